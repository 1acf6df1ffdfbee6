import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import {
  descendants,
  isRunning,
  type ProcessEntry,
  processEntry,
} from './process-table.js';
import { waitFor, type WaitForOptions } from './wait-for.js';

export interface ProcessInstanceOptions {
  args?: string[];
  /** In addition to the environment of the test. */
  env?: Record<string, string>;
  cwd?: string;
  /** Arguments for node itself. */
  execArgv?: string[];
  /** Takes the events, which are not kept then. */
  onEvent?: (event: ProcessEvent) => void;
  /** Takes the plain lines, likewise. */
  onLine?: (line: string) => void;
}

/** A line of the form {"type": ...} on the standard output. */
export interface ProcessEvent {
  type: string;
  [key: string]: unknown;
}

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const RUN_WITH_PARENT = fileURLToPath(
  new URL('../../scripts/support/run-with-parent.mjs', import.meta.url),
);
/** On a busy machine a process takes seconds to begin. */
const OUTPUT_TIMEOUT_MS = 30_000;
const STDERR_LIMIT = 20_000;
/** A child that inherited the output keeps it open after the process has ended. */
const LAST_OUTPUT_TIMEOUT_MS = 500;

/**
 * A node script in a process (and a process group) of its own, for what cannot be
 * tried within the process of the tests: kill -9, freezing, a blocked event loop.
 */
export class ProcessInstance {
  private static readonly all = new Set<ProcessInstance>();

  /** Plain lines of the standard output. */
  readonly lines: string[] = [];
  readonly events: ProcessEvent[] = [];
  stderr = '';
  /** When it was killed or paused, and so fell silent. */
  readonly silencedAtNs: bigint[] = [];
  readonly exited: Promise<ProcessExit>;

  private readonly child: ChildProcess;
  private readonly onEvent: ProcessInstanceOptions['onEvent'];
  private readonly onLine: ProcessInstanceOptions['onLine'];
  private readonly family = new Map<string, ProcessEntry>();
  private exit: ProcessExit | undefined;
  private outputComplete = false;
  private rest = '';

  /** For afterEach: ends all processes that have been started. */
  static async closeAll(): Promise<void> {
    await Promise.all([...ProcessInstance.all].map((each) => each.close()));
  }

  constructor(
    readonly script: string,
    options: ProcessInstanceOptions = {},
  ) {
    const { args = [], env, cwd, execArgv = [] } = options;
    this.onEvent = options.onEvent;
    this.onLine = options.onLine;
    const nodeArgs = [...execArgv, RUN_WITH_PARENT, script, ...args];
    this.child = spawn(process.execPath, nodeArgs, {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      this.collect(chunk);
    });
    this.child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
      if (this.stderr.length > STDERR_LIMIT) {
        const newest = this.stderr.slice(-STDERR_LIMIT);
        // A part of a line would be taken for another line.
        this.stderr = newest.slice(newest.indexOf('\n') + 1);
      }
    });
    this.child.once('close', () => {
      this.outputComplete = true;
    });
    this.exited = new Promise((resolve) => {
      // Could not be started; or a signal or message came too late, and then the
      // process has ended anyway.
      this.child.on('error', (error) => {
        this.stderr += error.message;
        if (this.child.pid === undefined) {
          this.exit = { code: null, signal: null };
          this.outputComplete = true;
          resolve(this.exit);
        }
      });
      this.child.once('exit', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
        setTimeout(() => {
          this.outputComplete = true;
        }, LAST_OUTPUT_TIMEOUT_MS).unref();
      });
    });
    ProcessInstance.all.add(this);
  }

  get pid(): number {
    const { pid } = this.child;
    if (pid === undefined) {
      throw new Error(`${this.script} could not be started.`);
    }
    return pid;
  }

  get running(): boolean {
    return this.exit === undefined;
  }

  /** Waits for an event; one that has come already counts. */
  waitForEvent(
    type: string,
    matches: (event: ProcessEvent) => boolean = () => true,
    options: WaitForOptions = {},
  ): Promise<ProcessEvent> {
    return this.waitForOutput(
      () => this.events.find((each) => each.type === type && matches(each)),
      {
        timeoutMs: OUTPUT_TIMEOUT_MS,
        description: `the event "${type}"`,
        ...options,
      },
    );
  }

  /** Waits for a plain line; one that has come already counts. */
  waitForLine(pattern: RegExp, options: WaitForOptions = {}): Promise<string> {
    return this.waitForOutput(
      () => this.lines.find((line) => line !== '' && pattern.test(line)),
      {
        timeoutMs: OUTPUT_TIMEOUT_MS,
        description: `a line that matches ${pattern}`,
        ...options,
      },
    );
  }

  /** Reaches the script's process.on('message'). */
  send(message: Record<string, unknown>): void {
    this.child.send(message, () => {
      // A process that is gone shows in `exited`.
    });
  }

  /** kill -9 of this process alone; its children live on. */
  async kill(): Promise<ProcessExit> {
    this.descendants();
    this.signal('SIGKILL');
    return this.exited;
  }

  /** Asks the process to end, and waits until it has. */
  async terminate(): Promise<ProcessExit> {
    this.descendants();
    this.signal('SIGTERM');
    return this.exited;
  }

  /** Freezes this process alone. Linux: returns when it has stopped. */
  async pause(): Promise<void> {
    this.signal('SIGSTOP');
    await waitFor(() => processEntry(this.pid)?.state === 'T', {
      description: `process ${this.pid} to be stopped`,
    });
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** The processes that it started, and theirs, by their number. */
  descendants(): number[] {
    const found = this.running ? descendants(this.pid) : [];
    for (const entry of found) {
      this.family.set(`${entry.pid} ${entry.startTime}`, entry);
    }
    return found.map(({ pid }) => pid);
  }

  /**
   * Those of the processes it is known to have started that still run, also
   * after its own end: every wait for its output takes note of them.
   */
  survivors(): number[] {
    this.descendants();
    return [...this.family.values()].filter(isRunning).map(({ pid }) => pid);
  }

  /** Ends the process and all that it is known to have started. */
  async close(): Promise<void> {
    ProcessInstance.all.delete(this);
    this.descendants();
    this.signal('SIGKILL');
    // A child of its own process group survives, and gets another parent.
    for (const entry of this.family.values()) {
      if (isRunning(entry)) {
        process.kill(entry.pid, 'SIGKILL');
      }
    }
    await this.exited;
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.running && this.child.pid !== undefined) {
      if (signal === 'SIGKILL' || signal === 'SIGSTOP') {
        // Not after the signal: this process may have to wait for its turn then.
        this.silencedAtNs.push(process.hrtime.bigint());
      }
      this.child.kill(signal);
    }
  }

  private async waitForOutput<T extends string | ProcessEvent>(
    find: () => T | undefined,
    options: WaitForOptions,
  ): Promise<T> {
    let problem: unknown;
    try {
      await waitFor(() => find() ?? this.outputComplete, options);
      problem = `The process ended before ${options.description}.`;
    } catch (error) {
      problem = error;
    }
    const found = find();
    if (found === undefined) {
      const output = [...this.lines.slice(-20), this.stderr.trim()].join('\n');
      throw new Error(
        `${String(problem)}\nLast output of ${this.script}:\n${output}`,
      );
    }
    // Noted while it runs: close() finds them when it does no longer.
    this.descendants();
    return found;
  }

  private collect(chunk: string): void {
    const lines = (this.rest + chunk).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = parseEvent(line);
      if (event && this.onEvent) {
        this.onEvent(event);
      } else if (event) {
        this.events.push(event);
      } else if (this.onLine) {
        this.onLine(line);
      } else {
        this.lines.push(line);
      }
    }
  }
}

function parseEvent(line: string): ProcessEvent | undefined {
  if (!line.startsWith('{')) {
    return undefined;
  }
  try {
    const value = JSON.parse(line) as ProcessEvent;
    return typeof value.type === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
