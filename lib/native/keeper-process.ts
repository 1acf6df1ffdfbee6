import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { plugAndPlayOptions } from '../plug-and-play.js';
import keeperModule from './keeper/keeper-path.cjs';
import type { ToKeeper } from './keeper/protocol.js';
import { closeAtExit, forgetAtExit } from './keepers-at-exit.js';

export interface KeeperHandlers {
  /** Unchecked. */
  onMessage(message: unknown): void;
  /**
   * The process is gone, or could not be had; nothing comes after this.
   * `description` goes on where "The session keeper" ends; `hopeless` says why
   * there has not even been a process; one that has ended by itself has ended
   * its session, too.
   */
  onExit(description: string, hopeless?: string, byItself?: boolean): void;
}

const KEPT_STDERR_CHARACTERS = 2_000;

/** The environment that a keeper needs; the rest may hold secrets or hooks. */
const PASSED_ENVIRONMENT = ['PATH', 'LD_LIBRARY_PATH', 'SystemRoot', 'TZ'];

/**
 * What keeps the keeper small. Only what this version of Node knows: it would
 * not start with an option that it does not.
 */
const NODE_OPTIONS = [
  '--v8-pool-size=0',
  '--max-semi-space-size=1',
  '--max-old-space-size=64',
].filter((option) =>
  process.allowedNodeEnvironmentFlags.has(option.replace(/=.*/, '')),
);

/**
 * One keeper process and the channel to it. The process leads a group of its
 * own: Ctrl-C does not end the session under a draining application. It inherits
 * neither debugger flags nor `NODE_OPTIONS`.
 */
export class KeeperProcess {
  readonly #handlers: KeeperHandlers;
  #child: ChildProcess | undefined;
  #stderr = '';
  #isOver = false;

  constructor(handlers: KeeperHandlers) {
    this.#handlers = handlers;
    try {
      this.#start();
    } catch (error) {
      // Not all failures to start are reported by an event.
      process.nextTick(() => this.#notStarted(error as Error));
    }
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  send(message: ToKeeper): void {
    if (this.#child?.connected) {
      // A failed write means that the keeper is gone: its exit is reported.
      this.#child.send(message, () => undefined);
    }
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  /** Lets the keeper go: it ends the session, if there is one, and exits. */
  release(): void {
    this.#isOver = true;
    forgetAtExit(this);
    if (this.#child?.connected) {
      this.#child.disconnect();
    }
    this.#child?.unref();
    this.#child?.stderr?.destroy();
  }

  /**
   * Whether the process runs, asked without the help of the event loop. Linux
   * only: elsewhere the end of one process does not end the others.
   */
  isRunning(): boolean {
    try {
      // A dead child whose exit has not been collected is a zombie, "Z".
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
    } catch {
      return false;
    }
  }

  #start(): void {
    const { keeperPath } = keeperModule;
    if (!existsSync(keeperPath)) {
      throw new Error(
        `its file ${keeperPath} does not exist. Install nestjs-zookeeper-leader ` +
          'again or, if your application is bundled, keep the package out of ' +
          'the bundle ("externals")',
      );
    }
    const child = fork(keeperPath, [String(process.pid)], {
      detached: true,
      execArgv: [...NODE_OPTIONS, ...plugAndPlayOptions(keeperPath)],
      env: Object.fromEntries(
        PASSED_ENVIRONMENT.flatMap((name) => {
          const value = process.env[name];
          return value === undefined ? [] : [[name, value]];
        }),
      ),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR_CHARACTERS);
    });
    child.on('message', (message) => {
      if (!this.#isOver) {
        this.#handlers.onMessage(message);
      }
    });
    child.on('error', (error) => {
      if (child.pid === undefined) {
        this.#notStarted(error);
      }
    });
    // The last messages may be read after the end of the process is noticed.
    const whenDrained = new Promise<void>((resolve) => {
      child.on('disconnect', resolve);
    });
    child.on('exit', (code, signal) => {
      const how = signal ? `by ${signal}` : `with code ${code}`;
      void whenDrained.then(() => {
        const said = this.#complaints();
        this.#over(
          `ended ${how}${said && `, saying: ${said}`}`,
          undefined,
          code === 0,
        );
      });
    });
    closeAtExit(this);
  }

  #notStarted(error: Error): void {
    this.#over(`could not be started: ${error.message}`, error.message);
  }

  #over(description: string, hopeless?: string, byItself = false): void {
    forgetAtExit(this);
    if (!this.#isOver) {
      this.#isOver = true;
      this.#handlers.onExit(description, hopeless, byItself);
    }
  }

  /** What the process wrote before it ended. */
  #complaints(): string {
    return this.#stderr.trim();
  }
}
