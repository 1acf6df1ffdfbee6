import { fileURLToPath } from 'node:url';
import {
  ProcessInstance,
  type ProcessEvent,
} from '../support/process-instance.js';
import { descendants, processEntry } from '../support/process-table.js';
import type {
  ApplicationEvent,
  ApplicationSettings,
  CallReport,
  Order,
} from './application/protocol.js';
import type { Contender } from './checks/standing.js';
import type { History, Reign, TaskRun } from './history.js';
import { processUsage } from './process-usage.js';
import { ELECTIONS, type GuardianForm } from './settings.js';

export interface FaultInstanceOptions {
  readonly application: string;
  readonly guardian: GuardianForm;
  readonly settings: ApplicationSettings;
  readonly env: Record<string, string>;
  readonly history: History;
  /** The life of ZooKeeper's data that goes on. */
  readonly era: () => number;
  /** Takes everything that it says. */
  readonly record: (line: string) => void;
}

const GUARDIAN_FORM = fileURLToPath(
  new URL('guardian-form.main.js', import.meta.url),
);

/**
 * What is said while ZooKeeper is out of reach, when somebody deletes the path of an
 * election faster than it is created, and on a machine that is too busy.
 */
const EXPECTED_ERROR = new RegExp(
  [
    'because its run ledger \\S+ is not available',
    'cannot take part in the election \\S+: create \\S+: the node does not exist; trying again',
    // With nodes that are closed to others.
    'cannot take part in the election \\S+: "\\S+" has vanished; trying again',
    // The rights to it were revoked.
    'cannot take part in the election \\S+: .*(?:credentials|permission|rights)',
    '^\\[Cron\\] Missed execution deadline',
    // By `run`, whose application was killed or stalled.
    '^run: (?:Closed|Could not (?:close|keep)) the session 0x',
  ].join('|'),
);

/** Earlier versions have a session keeper in place of a guardian. */
const UNTIMELY_END = /The (?:guardian|session keeper) (?:ended|could|did|does)/;

/** One running process of the application under test, and what it says. */
export class FaultInstance {
  readonly id: string;
  /** Set by the code that ends it. */
  isEnding = false;
  isReady = false;
  /** Among those that share partitions; undefined: it is none of them. */
  weight: number | undefined;
  /** Whether it has taken part in an election. */
  hasJoined = false;
  /** Its answer to the order "count". */
  calls: CallReport | undefined;
  /** Its answer to the order "observe". */
  bytesPerCall: number | undefined;
  hasClosed = false;
  /** By its own word. */
  isGuarded = true;
  /** Whether its guardian had a reason to end. */
  #hasCutChannels = false;
  readonly #settings: ApplicationSettings;
  readonly #process: ProcessInstance;
  readonly #history: History;
  readonly #era: () => number;
  readonly #reigns = new Map<string, Reign>();
  /** Those that run, by their number. */
  readonly #runs = new Map<number, TaskRun>();
  readonly #isContained: boolean;
  /** Where the process that has been started only stands for the container. */
  #processes: { application?: number; guardian?: number } = {};

  constructor(options: FaultInstanceOptions) {
    const { application, guardian, settings, env } = options;
    const [script = '', ...args] =
      guardian === 'child'
        ? [application]
        : [GUARDIAN_FORM, guardian, application];
    this.id = settings.options.instanceId;
    this.#settings = settings;
    this.#isContained = guardian !== 'child';
    this.#history = options.history;
    this.#era = options.era;
    this.#process = new ProcessInstance(script, {
      args,
      env: { ...env, SETTINGS: JSON.stringify(settings), NO_COLOR: '1' },
      execArgv: ['--expose-gc'],
      onEvent: (event) => {
        options.record(JSON.stringify(event));
        this.#take(event as ProcessEvent & ApplicationEvent);
      },
      onLine: (line) => {
        options.record(line);
        this.#takeLine(line);
      },
    });
    void this.#process.exited.then(({ code, signal: name }) => {
      if (!this.isEnding) {
        this.#problem(`ended by itself (${name ?? `status ${code}`})`);
      }
      this.#lookAtErrors();
    });
  }

  get isRunning(): boolean {
    return this.#process.running;
  }

  /** What decides where it leads; undefined while it starts. */
  get contender(): Contender | undefined {
    const { id, isReady, weight } = this;
    const { elections, options } = this.#settings;
    const { balance = false, priority = 0 } = options;
    return isReady
      ? { id, weight, elections, isBalanced: balance, priority }
      : undefined;
  }

  get pid(): number {
    return this.#processes.application ?? this.#process.pid;
  }

  get exited(): Promise<unknown> {
    return this.#process.exited;
  }

  /** Its session guardian, of which there is one unless it is being replaced. */
  guardian(): number | undefined {
    this.#process.descendants();
    const { guardian } = this.#processes;
    if (guardian !== undefined && isThere(guardian)) {
      return guardian;
    }
    // Of its own, as when `run` has been killed.
    return this.#knowsProcesses ? descendants(this.pid)[0]?.pid : undefined;
  }

  /** It and what it has started, as far as they run. */
  family(): number[] {
    const own = this.isRunning ? [this.pid] : [];
    return [...own, ...this.#process.survivors()];
  }

  /** Processes that it has started and that have outlived it. */
  survivors(): number[] {
    return this.#process.survivors();
  }

  order(order: Order): void {
    if (order.do === 'count') {
      this.calls = undefined;
    }
    if (order.do === 'cut-channel') {
      this.#hasCutChannels = true;
    }
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
    await this.#kill();
  }

  /** Ends application and guardian at once, as the loss of a machine does. */
  async crash(): Promise<void> {
    this.isEnding = true;
    const guardian = this.guardian();
    signal(this.pid, 'SIGSTOP');
    signal(guardian, 'SIGKILL');
    await this.#kill();
  }

  /** Asks it to end, as a deployment does. */
  async terminate(): Promise<void> {
    this.isEnding = true;
    this.#process.descendants();
    signal(this.pid, 'SIGTERM');
    await this.#process.exited;
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
        this.weight = event.weight;
        break;
      case 'processes': {
        const { application, guardian } = event;
        this.#processes = { application, guardian };
        this.#process.descendants();
        break;
      }
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
          endReason: undefined,
        };
        this.#reigns.set(election, reign);
        this.#history.began(reign);
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
        this.hasJoined ||= event.role !== 'idle';
        this.#endReign(event);
        if (event.reason === 'resigned') {
          this.#history.returned(event.election);
        }
        break;
      case 'run':
        this.#runs.set(event.id, {
          ...event,
          instance: this.id,
          endMs: undefined,
        });
        this.#history.runs.push(this.#runs.get(event.id) as TaskRun);
        break;
      case 'ran': {
        const run = this.#runs.get(event.id);
        this.#runs.delete(event.id);
        if (run) {
          run.endMs = event.atMs;
        }
        break;
      }
      case 'usage':
        this.#takeUsage(event);
        break;
      case 'calls':
        this.calls = event;
        break;
      case 'observed':
        this.bytesPerCall = event.bytesPerCall;
        break;
      case 'closed':
        this.hasClosed = true;
        this.#history.calls += event.made;
        if (event.pending.length > 0) {
          const names = event.pending.map(({ name }) => name);
          this.#problem(`promises never settled: ${names.join(', ')}`);
        }
        break;
      case 'problem':
        this.#problem(event.text);
        break;
    }
  }

  get #knowsProcesses(): boolean {
    return !this.#isContained || this.#processes.application !== undefined;
  }

  async #kill(): Promise<void> {
    this.#process.descendants();
    signal(this.pid, 'SIGKILL');
    await this.#process.exited;
  }

  /** Errors of the library, and whatever Node.js warns of. */
  #lookAtErrors(): void {
    const lines = this.#process.stderr
      .split('\n')
      .filter((line) => line.trim() !== '' && !EXPECTED_ERROR.test(line));
    if (lines.length > 0) {
      this.#problem(`complained: ${lines.join('\n').slice(0, 2_000)}`);
    }
  }

  /** A guardian that is not killed, by us or for its silence, has no reason to end. */
  #takeLine(line: string): void {
    if (/The guardian .* Until another one works/.test(line)) {
      this.isGuarded = false;
    } else if (line.includes('A guardian works again')) {
      this.isGuarded = true;
    }
    const isExpected = this.#hasCutChannels
      ? /ended (by SIGKILL|with code 0)|(did|does) not answer/
      : /ended by SIGKILL|(did|does) not answer/;
    if (UNTIMELY_END.test(line) && !isExpected.test(line)) {
      this.#problem(line);
    }
  }

  #endReign({
    election,
    role,
    reason,
  }: Extract<ApplicationEvent, { type: 'role' }>): void {
    const reign = this.#reigns.get(election);
    if (reign && role !== 'leader') {
      reign.endReason ??= reason;
    }
  }

  #takeUsage(event: Extract<ApplicationEvent, { type: 'usage' }>): void {
    const { atMs, heapBytes, residentBytes, handles } = event;
    this.#history.used(this.id, {
      atMs,
      values: {
        ...processUsage(this.pid),
        heap: heapBytes,
        'resident memory': residentBytes,
        handles,
      },
    });
    const guardian = this.guardian();
    if (guardian !== undefined) {
      this.#history.used(`guardian ${guardian} of ${this.id}`, {
        atMs,
        values: processUsage(guardian),
      });
    }
  }

  #problem(text: string): void {
    this.#history.problem(`${this.id} ${text}`);
  }
}

function isThere(pid: number): boolean {
  const state = processEntry(pid)?.state;
  return state !== undefined && state !== 'Z';
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
