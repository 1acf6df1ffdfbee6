import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import keeperModule from './keeper/keeper-path.cjs';
import type { FromKeeper, ToKeeper } from './keeper/protocol.js';

export interface KeeperHandlers {
  onMessage(message: FromKeeper): void;
  /** The process is gone; nothing comes after this. */
  onExit(description: string): void;
}

/** How long the end of the application waits for the keeper to say goodbye. */
const EXIT_WAIT_MS = 250;
const KEPT_STDERR_CHARACTERS = 2_000;

/** The environment that a keeper needs; the rest may hold secrets or hooks. */
const PASSED_ENVIRONMENT = [
  'PATH',
  'LD_LIBRARY_PATH',
  'SystemRoot',
  'TZ',
  'NODE_EXTRA_CA_CERTS',
];

/** Keepers to be taken along when this process exits. */
const running = new Set<KeeperProcess>();

/**
 * One keeper process and the channel to it. The process leads a group of its
 * own, so that Ctrl-C does not end the session under a draining application,
 * and inherits neither debugger flags nor `NODE_OPTIONS`.
 */
export class KeeperProcess {
  readonly #child: ChildProcess;
  #stderr = '';

  constructor(handlers: KeeperHandlers) {
    this.#child = fork(keeperModule.keeperPath, [], {
      detached: true,
      execArgv: ['--max-semi-space-size=1', '--max-old-space-size=64'],
      env: Object.fromEntries(
        PASSED_ENVIRONMENT.flatMap((name) => {
          const value = process.env[name];
          return value === undefined ? [] : [[name, value]];
        }),
      ),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR_CHARACTERS);
    });
    this.#child.on('message', (message) => {
      handlers.onMessage(message as FromKeeper);
    });
    let isOver = false;
    const onExit = (description: string): void => {
      forget(this);
      if (!isOver) {
        isOver = true;
        handlers.onExit(description);
      }
    };
    this.#child.on('error', (error) => {
      if (this.pid === undefined) {
        onExit(`could not be started: ${error.message}`);
      }
    });
    this.#child.on('exit', (code, signal) => {
      const how = signal ? `by ${signal}` : `with code ${code}`;
      const said = this.#stderr.trim();
      onExit(`ended ${how}${said ? `, saying: ${said}` : ''}`);
    });
    remember(this);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToKeeper): void {
    if (this.#child.connected) {
      // A failed write means that the keeper is gone: its exit is reported.
      this.#child.send(message, () => undefined);
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Lets the keeper go: it ends the session, if there is one, and exits. */
  release(): void {
    forget(this);
    if (this.#child.connected) {
      this.#child.disconnect();
    }
    this.#child.unref();
    this.#child.stderr?.destroy();
  }

  /** Whether the process runs, asked without the help of the event loop. */
  isRunning(): boolean {
    if (this.pid === undefined || this.#child.exitCode !== null) {
      return false;
    }
    try {
      // A dead child whose exit has not been collected is a zombie, "Z".
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
    } catch {
      return process.platform !== 'linux';
    }
  }
}

function remember(keeper: KeeperProcess): void {
  if (running.size === 0) {
    process.on('exit', closeAllAtExit);
  }
  running.add(keeper);
}

function forget(keeper: KeeperProcess): void {
  if (running.delete(keeper) && running.size === 0) {
    process.off('exit', closeAllAtExit);
  }
}

/**
 * In a container the end of the application's process ends the keeper's too,
 * so that the session has to be closed before, while no event loop runs.
 */
function closeAllAtExit(): void {
  for (const keeper of running) {
    keeper.send({ type: 'close' });
  }
  const deadline = performance.now() + EXIT_WAIT_MS;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (
    performance.now() < deadline &&
    [...running].some((keeper) => keeper.isRunning())
  ) {
    Atomics.wait(pause, 0, 0, 1);
  }
}
