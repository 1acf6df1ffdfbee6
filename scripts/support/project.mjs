import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));

/** @param {string[]} segments */
export const inProject = (...segments) => path.join(projectRoot, ...segments);
