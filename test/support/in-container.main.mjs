// @ts-check
/**
 *   node in-container.main.mjs <script> <arguments>
 *
 * Runs a script as process 1 of a process namespace, as in a container: when it
 * ends, the kernel kills all that it has started. With the environment variable
 * INIT below that init process, and with BARE_IMAGE in a file system of nothing but
 * node and this project, which is read-only, as a user without rights.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const { INIT, BARE_IMAGE } = process.env;
const IMAGE = fileURLToPath(new URL('bare-image.sh', import.meta.url));
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'image-'));

const child = spawn(
  'unshare',
  [
    ...['--pid', '--fork', '--mount-proc', '--kill-child'],
    ...(INIT ? [INIT, '--'] : []),
    ...(BARE_IMAGE ? ['sh', IMAGE, folder, process.execPath, PROJECT] : []),
    ...(BARE_IMAGE ? [] : [process.execPath]),
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
child.on('exit', (code) => {
  // Its mounts have ended with the namespace.
  rmdirSync(folder);
  process.exitCode = code ?? 1;
});
