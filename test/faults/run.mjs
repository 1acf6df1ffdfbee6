// @ts-check
/**
 * `npm run test:faults -- --seed 42 --minutes 10 --faults kill,pause,partition`
 *
 * Runs the faults of a seed against a real cluster; see docs/reliability.md.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';

const built = await build();
let exitCode = 1;
try {
  const main = path.join(built.directory, 'test/faults/cli.js');
  const { runCommand } = await import(pathToFileURL(main).href);
  exitCode = await runCommand(process.argv.slice(2), built.directory);
} finally {
  await built.remove();
}
// Of sockets that were reset in the middle of something, Node.js 20 waits for the
// end of requests that never end, when it is left to end by itself.
process.exit(exitCode);
