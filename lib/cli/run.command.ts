import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuardianHost } from '../guardian/host/guardian-host.js';
import { formatRunAddress, RUN_VARIABLE } from '../guardian/run-address.js';
import { abstractAddress } from '../guardian/socket-address.js';
import { messageOf } from '../message-of.js';

const PASSED_SIGNALS: readonly NodeJS.Signals[] = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
  'SIGWINCH',
];
/** A terminal sends these to all processes in the foreground itself. */
const SIGNALS_OF_TERMINAL: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGQUIT',
  'SIGCONT',
  'SIGWINCH',
];
/** With these a process dumps core: one core of the application is enough. */
const SIGNALS_WITH_CORE: readonly NodeJS.Signals[] = [
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGILL',
  'SIGQUIT',
  'SIGSEGV',
  'SIGSYS',
  'SIGTRAP',
];
/** The first process of a container. */
const INIT_PID = 1;
/** As shells say it. */
const EXIT_CODES = { notFound: 127, cannotRun: 126, signal: 128 };

interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs a command, an application or what starts some, and is the guardian of all
 * applications below it. Resolves to the exit code when the command has ended
 * and the sessions of those that are dead are closed; ends by the same signal
 * where that is possible.
 */
export async function run(
  command: readonly string[],
  onError: (text: string) => void,
): Promise<number> {
  const token = randomBytes(16).toString('hex');
  const host = new GuardianHost({
    token,
    onNotice: (text) => onError(`run: ${text}`),
  });
  const place = placeToListen();
  let end: CommandEnd;
  try {
    const environment = { ...process.env };
    try {
      await host.listen(place.address);
      environment[RUN_VARIABLE] = formatRunAddress({
        token,
        address: place.address,
      });
    } catch (error) {
      onError(
        `run: the guardian cannot listen at ${place.address} ` +
          `(${messageOf(error)}). Each application starts one of its own.`,
      );
    }
    end = await execute(command, environment);
    if (process.pid === INIT_PID) {
      // They end with this process: their sessions, too, are closed before.
      host.applications.forEach(kill);
    }
    await host.whenSettled();
  } catch (error) {
    onError(`run: cannot start ${command[0]}: ${messageOf(error)}`);
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isMissing ? EXIT_CODES.notFound : EXIT_CODES.cannotRun;
  } finally {
    host.close();
    place.remove();
  }
  return end.signal ? endBy(end.signal) : (end.code ?? EXIT_CODES.cannotRun);
}

function placeToListen(): { address: string; remove: () => void } {
  if (process.platform === 'linux') {
    return { address: abstractAddress(), remove: () => undefined };
  }
  // Only its owner may enter a folder that mkdtemp() has made.
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-zookeeper-leader-'));
  return {
    address: join(folder, 'guardian.sock'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** @throws (rejects) if the command cannot be started */
function execute(
  [file = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<CommandEnd> {
  const child = spawn(file === 'node' ? process.execPath : file, args, {
    stdio: 'inherit',
    env,
  });
  const passed = process.stdin.isTTY
    ? PASSED_SIGNALS.filter((signal) => !SIGNALS_OF_TERMINAL.includes(signal))
    : PASSED_SIGNALS;
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const ignore = (): void => undefined;
  for (const signal of PASSED_SIGNALS) {
    process.on(signal, passed.includes(signal) ? pass : ignore);
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Ends this process as the command has ended; the first process cannot. */
async function endBy(signal: NodeJS.Signals): Promise<number> {
  if (process.pid !== INIT_PID && !SIGNALS_WITH_CORE.includes(signal)) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // It comes with the next turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return EXIT_CODES.signal + constants.signals[signal];
}
