import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ProcessInstance, type ProcessEvent } from './process-instance.js';
import { CLI } from './run-cli.js';
import { processEntry } from './process-table.js';
import { waitFor, type WaitForOptions } from './wait-for.js';
import type { WireClient } from './wire-client.js';

export interface GuardedProcessOptions {
  port: number;
  observer: WireClient;
  timeoutMs?: number;
  maxStallMs?: number;
  /** All servers; default: the one of `port`. */
  servers?: number[];
  guardian?: false | { socket: string };
  env?: Record<string, string>;
  /** Run in a process namespace of its own, as in a container. */
  isContained?: boolean;
  /** Arguments of the command line in front of the process's own. */
  below?: readonly string[];
  execArgv?: readonly string[];
}

const MAIN = fileURLToPath(new URL('guarded.main.mjs', import.meta.url));
const IN_CONTAINER = fileURLToPath(
  new URL('in-container.main.mjs', import.meta.url),
);
let started = 0;

/** A process with a session, an ephemeral node and a guardian. */
export class GuardedProcess {
  static async start(options: GuardedProcessOptions): Promise<GuardedProcess> {
    const guarded = new GuardedProcess(options);
    await guarded.process.waitForEvent('guarded');
    return guarded;
  }

  readonly path = `/guarded-${process.pid}-${++started}`;
  readonly process: ProcessInstance;
  readonly #observer: WireClient;

  private constructor(options: GuardedProcessOptions) {
    const {
      observer,
      env,
      timeoutMs = 10_000,
      isContained = false,
      below,
      execArgv = [],
      ...rest
    } = options;
    this.#observer = observer;
    const own = [...execArgv, MAIN];
    const scripts = below ? [CLI, ...below, 'node', ...own] : own;
    const [script = '', ...args] = isContained
      ? [IN_CONTAINER, ...scripts]
      : scripts;
    this.process = new ProcessInstance(script, {
      args,
      env: {
        ...env,
        OPTIONS: JSON.stringify({
          maxStallMs: 30_000,
          timeoutMs,
          path: this.path,
          ...rest,
        }),
      },
    });
  }

  /** The number of the process itself, which may be below others. */
  async pid(): Promise<number> {
    const isIt = (pid: number): boolean => {
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return (
        argv.includes(MAIN) &&
        [CLI, IN_CONTAINER, 'unshare'].every((each) => !argv.includes(each))
      );
    };
    return waitFor(
      () => [this.process.pid, ...this.process.descendants()].find(isIt),
      { description: `the process of ${MAIN}` },
    );
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    process.kill(await this.pid(), signal);
  }

  guardedEvents(): ProcessEvent[] {
    return this.process.events.filter(({ type }) => type === 'guarded');
  }

  /** Waits for that many more answers to its pings. */
  async heartbeats(count: number): Promise<void> {
    const have = this.#heartbeats();
    await waitFor(() => this.#heartbeats() >= have + count, {
      description: `${count} heartbeats`,
    });
  }

  /** The process number of the guardian that this process has started. */
  guardianPid(): Promise<number> {
    return waitFor(() => this.process.descendants().find(runs), {
      description: 'a guardian process',
    });
  }

  #heartbeats(): number {
    return this.process.events.filter(({ type }) => type === 'heartbeat')
      .length;
  }

  /** Waits for the end of its node. */
  expectNodeGone(options: WaitForOptions = {}): Promise<unknown> {
    return waitFor(
      async () => (await this.#observer.exists(this.path)) === undefined,
      { description: `the end of ${this.path}`, ...options },
    );
  }
}

/** Whether there is such a process that has not ended. */
export function runs(pid: number): boolean {
  const state = processEntry(pid)?.state;
  return state !== undefined && state !== 'Z';
}
