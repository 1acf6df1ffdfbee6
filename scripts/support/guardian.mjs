// @ts-check
/**
 * Holds a server for the process that forked it, and outlives that process for
 * just long enough to clean up. An 'exit' handler would not do: it does not run
 * after kill -9, nor inside jest, whose `process` is a copy.
 *
 *   node guardian.mjs <directory to remove at the end>
 *
 * It takes one message, `{ command, args }`, per start of the server, and answers
 * `{ pid }` and, when that has ended, `{ ended }`. When the channel breaks, for
 * whatever reason, the server is ended, by the signal `endBy` of the message or
 * else by SIGKILL, and the directory removed.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const directory = process.argv[2] ?? '';
/** What to do when the starter is gone. */
let finish = cleanUp;

process.on(
  'message',
  (
    /** @type {{ command: string, args: string[], endBy?: NodeJS.Signals }} */ {
      command,
      args,
      endBy = 'SIGKILL',
    },
  ) => {
    const server = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    finish = () => server.kill(endBy);
    server.once('spawn', () => tell({ pid: server.pid }));
    server.once('error', (error) => ended(error.message));
    server.once('exit', (code, signal) => ended(signal ?? `status ${code}`));
  },
);

process.on('disconnect', () => finish());

/** @param {string} reason */
function ended(reason) {
  finish = cleanUp;
  if (process.connected) {
    tell({ ended: reason });
  } else {
    cleanUp();
  }
}

/** @param {{ pid?: number, ended?: string }} message */
function tell(message) {
  // A parent that goes at this very moment is dealt with by 'disconnect'.
  process.send?.(message, undefined, undefined, () => {});
}

function cleanUp() {
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  process.exit();
}
