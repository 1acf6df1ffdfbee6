// @ts-check
/**
 *   node in-container.main.mjs <script> <arguments>
 *
 * Runs a script as process 1 of a process namespace, as in a container: when it
 * ends, the kernel kills all that it has started.
 */
import { spawn } from 'node:child_process';

const child = spawn(
  'unshare',
  [
    ...['--pid', '--fork', '--mount-proc', '--kill-child'],
    process.execPath,
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
