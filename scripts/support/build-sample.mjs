// @ts-check
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectRoot } from './project.mjs';
import { runNode } from './steps.mjs';

/**
 * Compiles a sample application against the built library.
 *
 * @param {string} name of its folder
 * @returns {Promise<string>} path of its main file
 */
export async function buildSample(name) {
  const directory = join(projectRoot, 'sample', name);
  const require = createRequire(import.meta.url);
  const typescript = require.resolve('typescript/bin/tsc');
  const tsconfig = join(directory, 'tsconfig.build.json');
  // Its types are checked by `npm run typecheck`.
  await runNode([typescript, '-p', tsconfig, '--noCheck']);
  return join(directory, 'dist', 'main.js');
}
