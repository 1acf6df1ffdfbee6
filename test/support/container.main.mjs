// @ts-check
/**
 * Runs an instance as PID 1 of a PID namespace of its own, as a container does:
 * when it ends, the kernel kills everything that it has started.
 *
 * Exits with 77 where that is not permitted.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

const NOT_PERMITTED = 77;
const IN_NAMESPACE = ['--pid', '--fork', '--mount-proc', '--kill-child'];

if (spawnSync('unshare', [...IN_NAMESPACE, 'true']).status !== 0) {
  process.exit(NOT_PERMITTED);
}
const main = /** @type {string} */ (process.argv[2]);
const child = spawn(
  'unshare',
  [
    ...IN_NAMESPACE,
    process.execPath,
    '--input-type=module',
    '--eval',
    // What the test would say over a channel, which unshare does not pass on.
    `const { default: readline } = await import('node:readline');
     readline.createInterface({ input: process.stdin }).once('line', (exit) => {
       process.emit('message', { exit });
     });
     await import(${JSON.stringify(new URL(`file://${main}`).href)});`,
  ],
  { stdio: ['pipe', 'pipe', 'inherit'] },
);
createInterface({ input: child.stdout }).on('line', (line) => {
  if (line.includes('"leading"')) {
    child.stdin.write(`${process.env.EXIT_WHEN_LEADING}\n`);
  }
});
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
