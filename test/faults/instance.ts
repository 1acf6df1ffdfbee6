import { readFileSync } from 'node:fs';
import {
  ProcessInstance,
  type ProcessEvent,
} from '../support/process-instance.js';
import type {
  ApplicationEvent,
  ApplicationSettings,
  CallReport,
  Order,
} from './application/protocol.js';
import type { History, Reign } from './history.js';
import { ELECTIONS } from './settings.js';

export interface FaultInstanceOptions {
  readonly application: string;
  readonly settings: ApplicationSettings;
  readonly env: Record<string, string>;
  readonly history: History;
  /** The life of ZooKeeper's data that goes on. */
  readonly era: () => number;
  /** Takes everything that it says. */
  readonly record: (line: string) => void;
}

/** One running process of the application under test, and what it says. */
export class FaultInstance {
  readonly id: string;
  /** Set by whoever ends it. */
  isEnding = false;
  isReady = false;
  calls: CallReport | undefined;
  hasClosed = false;
  readonly #process: ProcessInstance;
  readonly #history: History;
  readonly #era: () => number;
  readonly #reigns = new Map<string, Reign>();

  constructor(options: FaultInstanceOptions) {
    const { application, settings, env } = options;
    this.id = settings.options.instanceId;
    this.#history = options.history;
    this.#era = options.era;
    this.#process = new ProcessInstance(application, {
      env: { ...env, SETTINGS: JSON.stringify(settings), NO_COLOR: '1' },
      execArgv: ['--expose-gc'],
      onEvent: (event) => {
        options.record(JSON.stringify(event));
        this.#take(event as ProcessEvent & ApplicationEvent);
      },
      onLine: options.record,
    });
    void this.#process.exited.then(({ code, signal: name }) => {
      if (!this.isEnding) {
        this.#problem(
          `ended by itself (${name ?? `status ${code}`}): ${this.#process.stderr.slice(-2_000)}`,
        );
      }
    });
  }

  get isRunning(): boolean {
    return this.#process.running;
  }

  get pid(): number {
    return this.#process.pid;
  }

  get exited(): Promise<unknown> {
    return this.#process.exited;
  }

  /** Its session keeper, of which there is one unless it is being replaced. */
  keeper(): number | undefined {
    return this.#process.descendants()[0];
  }

  /** Processes that it has started and that have outlived it. */
  survivors(): number[] {
    return this.#process.survivors();
  }

  order(order: Order): void {
    if (order.do === 'withdraw') {
      for (const election of ELECTIONS) {
        this.#history.returned(election);
      }
    }
    this.#process.send({ ...order });
  }

  /** Ends the application alone. */
  async kill(): Promise<void> {
    this.isEnding = true;
    await this.#process.kill();
  }

  /** Ends application and keeper at once, as the loss of a machine does. */
  async crash(): Promise<void> {
    this.isEnding = true;
    const keeper = this.keeper();
    signal(this.pid, 'SIGSTOP');
    signal(keeper, 'SIGKILL');
    await this.#process.kill();
  }

  /** Asks it to end, as a deployment does. */
  async terminate(): Promise<void> {
    this.isEnding = true;
    await this.#process.terminate();
    if (!this.hasClosed && this.isReady) {
      this.#problem('ended at SIGTERM without having closed');
    }
  }

  signal(name: NodeJS.Signals): void {
    signal(this.isRunning ? this.pid : undefined, name);
  }

  close(): Promise<void> {
    this.isEnding = true;
    return this.#process.close();
  }

  #take(event: ApplicationEvent): void {
    switch (event.type) {
      case 'ready':
        this.isReady = true;
        break;
      case 'leads': {
        const { election, term, fencingToken, fromMs } = event;
        const reign: Reign = {
          instance: this.id,
          election,
          term,
          fencingToken,
          era: this.#era(),
          fromMs,
          untilMs: fromMs,
          isOver: false,
        };
        this.#reigns.set(election, reign);
        this.#history.reigns.push(reign);
        break;
      }
      case 'led': {
        const reign = this.#reigns.get(event.election);
        if (reign?.term === event.term) {
          reign.untilMs = event.untilMs;
          reign.isOver = event.isOver;
        }
        break;
      }
      case 'role':
        this.#history.roleChanges += 1;
        if (event.reason === 'resigned') {
          this.#history.returned(event.election);
        }
        break;
      case 'run':
        this.#history.runs.push({ ...event, instance: this.id });
        break;
      case 'memory':
        this.#history.memory.push({
          atMs: event.atMs,
          instance: this.id,
          heapBytes: event.heapBytes,
          rssBytes: event.rssBytes,
          keeperRssBytes: residentBytes(this.keeper()),
        });
        break;
      case 'calls':
        this.calls = event;
        break;
      case 'closed':
        this.hasClosed = true;
        this.#history.calls += event.made;
        if (event.pending.length > 0) {
          this.#problem(`promises never settled: ${event.pending.join(', ')}`);
        }
        break;
      case 'problem':
        this.#problem(event.text);
        break;
    }
  }

  #problem(text: string): void {
    this.#history.problem(`${this.id} ${text}`);
  }
}

/** A process that is gone already is none of our concern. */
export function signal(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid !== undefined) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }
}

function residentBytes(pid: number | undefined): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
