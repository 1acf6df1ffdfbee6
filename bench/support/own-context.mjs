// @ts-check
/** What the programs of this library share: `node PROGRAM CONNECT METRIC [key=value ...]`. */
import { parseParameters } from './samples.mjs';

const [connect = '', metric = '', ...parameters] = process.argv.slice(2);
const { number, numbers } = parseParameters(parameters);

export { connect, metric, number, numbers };
export const OWN = 'own';
/** The npm client alone. */
export const FLOOR = 'floor-npm';
/** The client of this library alone. */
export const CLIENT = 'client';
/** Of this process alone: programs run one after the other on one server. */
export const basePath = `/bench-own-${process.pid}`;
export const options = { connectionString: connect, basePath };
