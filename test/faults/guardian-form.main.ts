/**
 *   node guardian-form.main.js <run|sidecar> <application>
 *
 * Runs an application below `run`, or with the guardian of a sidecar, and stands
 * for the container: tells the numbers of both processes, starts a sidecar that
 * has ended again, passes orders on, and ends when both have ended.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { descendants, isRunning } from '../support/process-table.js';
import { waitFor } from '../support/wait-for.js';
import type { ApplicationSettings } from './application/protocol.js';
import { tell } from './application/tell.js';

const CLI = fileURLToPath(
  new URL('../../dist/esm/cli/cli.main.js', import.meta.url),
);
/** As long as a container's engine takes, more or less. */
const RESTART_MS = 200;
const LOOK_MS = 10;

const folder = mkdtempSync(join(tmpdir(), 'guardian-form-'));
const orders = openOrders(join(folder, 'orders'));
const [, , form, application = ''] = process.argv;
const command = [...process.execArgv, application];
const isOver = form === 'run' ? await belowRun() : await besideSidecar();
await isOver();
rmSync(folder, { recursive: true, force: true });
process.disconnect?.();

/** Resolves to what waits for the end of both. */
async function belowRun(): Promise<() => Promise<void>> {
  const run = start([CLI, 'run', '--', 'node', ...command], process.env);
  const hasEnded = once(run, 'exit');
  const own = await Promise.race([
    waitFor(() => descendants(run.pid ?? NaN)[0], { timeoutMs: 60_000 }),
    hasEnded,
  ]);
  if ('pid' in own) {
    tell('processes', { application: own.pid, guardian: run.pid });
  }
  return async () => {
    await hasEnded;
    // Where `run` has been killed, the application has not.
    while ('pid' in own && isRunning(own)) {
      await delay(LOOK_MS);
    }
  };
}

async function besideSidecar(): Promise<() => Promise<void>> {
  const socket = join(folder, 'guardian.sock');
  let isEnding = false;
  let sidecar: ChildProcess;
  const startSidecar = (): void => {
    sidecar = spawn(process.execPath, [CLI, 'guardian', '--listen', socket], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    sidecar.once('exit', () => {
      if (!isEnding) {
        setTimeout(startSidecar, RESTART_MS);
      }
    });
    tell('processes', { application: own?.pid, guardian: sidecar.pid });
  };
  let own: ChildProcess | undefined;
  startSidecar();
  const settings = JSON.parse(
    process.env.SETTINGS ?? '{}',
  ) as ApplicationSettings;
  const options = { ...settings.options, guardian: { socket } };
  own = start(command, {
    ...process.env,
    SETTINGS: JSON.stringify({ ...settings, options }),
  });
  tell('processes', { application: own.pid, guardian: sidecar!.pid });
  await once(own, 'exit');
  return async () => {
    isEnding = true;
    if (sidecar.exitCode === null && sidecar.signalCode === null) {
      // It closes the session before it goes.
      sidecar.kill('SIGTERM');
      await once(sidecar, 'exit');
    }
  };
}

function start(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, args, {
    stdio: [orders, 'inherit', 'inherit'],
    env,
  });
}

/**
 * Returns what gives the orders to who reads from it. A pipe with a name: Node.js
 * closes one of its own when `run` ends, and the application lives on.
 */
function openOrders(path: string): number {
  spawnSync('mkfifo', [path]);
  const writer = openSync(path, 'r+');
  process.on('message', (order) => {
    writeSync(writer, `${JSON.stringify(order)}\n`);
  });
  return openSync(path, 'r');
}
