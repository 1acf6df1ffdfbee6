// @ts-check
import { parseArgs } from 'node:util';
import { StepFailedError } from '../support/steps.mjs';

/**
 * @typedef {object} DemoSettings
 * @property {number} instances
 * @property {number} ticks runs of the job before a leader tips over
 * @property {boolean} graceful leaders resign instead of dying
 * @property {string} [picture] file to draw the run into
 */

const USAGE = `npm run demo -- [options]

  --instances <n>  how many instances take part, 1 to 50 (default 6)
  --ticks <n>      how often a leader runs the job before it tips over,
                   1 to 1000 (default 3)
  --graceful       leaders end by SIGTERM and hand over in good order,
                   instead of being killed by SIGKILL
  --picture <file> also draw the run, as an animated SVG
  --help           this text

ZOOKEEPER_CONNECTION_STRING names a ZooKeeper to use; without it a local one is
started.`;

/**
 * @param {string[]} args
 * @returns {DemoSettings | undefined} undefined if only help was asked for
 */
export function parseDemoArguments(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        instances: { type: 'string', default: '6' },
        ticks: { type: 'string', default: '3' },
        graceful: { type: 'boolean', default: false },
        picture: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new StepFailedError(
      `${/** @type {Error} */ (error).message}\n\n${USAGE}`,
    );
  }
  if (values.help) {
    console.log(USAGE);
    return undefined;
  }
  return {
    instances: wholeNumber('--instances', values.instances, 50),
    ticks: wholeNumber('--ticks', values.ticks, 1000),
    graceful: values.graceful,
    ...(values.picture !== undefined && { picture: values.picture }),
  };
}

/**
 * @param {string} option
 * @param {string} text
 * @param {number} most
 */
function wholeNumber(option, text, most) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) {
    throw new StepFailedError(
      `${option} ${text}: expected a whole number from 1 to ${most}\n\n${USAGE}`,
    );
  }
  return value;
}
