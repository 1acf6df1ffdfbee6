import path from 'node:path';
import guardianModule from '../guardian/guardian-path.cjs';
import { closeAtExit } from '../zookeeper/sessions-at-exit.js';
import { RestartPause } from '../guardian/application/restart-pause.js';
import { messageOf } from '../message-of.js';
import { SideProcess, awaitEndAtExit } from '../side-process.js';
import {
  type FromKeeper,
  type OpenMessage,
  type ToKeeper,
} from './keeper/protocol.js';

export interface SupervisorOptions {
  readonly sessionTimeoutMs: number;
  readonly maxStallMs: number;
  /** What a keeper is told first. */
  readonly opening: () => OpenMessage;
  readonly onMessage: (message: FromKeeper) => void;
  /** The keeper is gone, its session perhaps not; another one is started. */
  readonly onGone: (description: string) => void;
  /** Called at regular intervals of this process. */
  readonly onTick: () => void;
}

/** Like the guardian, it runs from the CommonJS build. */
export const KEEPER_PATH = path.join(
  path.dirname(guardianModule.guardianPath),
  '../native/keeper/keeper.main.js',
);

/** Signs of life are no burden at this pace, however short the timeouts. */
const LONGEST_TICK_MS = 2_500;
const SHORTEST_TICK_MS = 20;
/** A machine may be too busy to run a process for that long. */
const SHORTEST_SILENCE_MS = 500;
const START_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Sees to it that there is a keeper: starts another one when it is gone or does
 * not answer, soon enough to take its session over.
 */
export class KeeperSupervisor {
  readonly #options: SupervisorOptions;
  readonly #pause = new RestartPause();
  readonly tickMs: number;
  #keeper: SideProcess | undefined;
  /** Whether this keeper has said anything. */
  #isReady = false;
  /** Set until the first keeper works. */
  #starting: { resolve(): void; reject(error: Error): void } | undefined;
  /** Own ticks since the keeper was heard. */
  #silentTicks = 0;
  #ticker: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #forgetExit: (() => void) | undefined;
  /** Set when closing; called when the keeper has ended. */
  #ended: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.tickMs = Math.max(
      SHORTEST_TICK_MS,
      Math.min(
        LONGEST_TICK_MS,
        options.maxStallMs / 5,
        options.sessionTimeoutMs / 10,
      ),
    );
  }

  /** Resolves when a keeper works; rejects when none can. */
  start(): Promise<void> {
    this.#forgetExit = closeAtExit(() => {
      this.send({ type: 'close' });
      awaitEndAtExit(() => this.#keeper?.isRunning() ?? false);
    });
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      this.#ticker = setInterval(() => this.#tick(), this.tickMs);
      this.#fork();
    });
  }

  send(message: ToKeeper): void {
    const child = this.#keeper?.child;
    if (child?.connected) {
      // A failed write means that the keeper is gone: its end is reported.
      child.send(message, () => undefined);
    }
  }

  /**
   * Has the keeper end its session and exit, and starts one for that if need
   * be. Resolves within a bound; never rejects. A keeper that cannot reach
   * ZooKeeper goes on trying alone.
   */
  async stop(hasSession: boolean): Promise<void> {
    clearInterval(this.#ticker);
    clearTimeout(this.#restart);
    this.#forgetExit?.();
    this.#starting?.resolve();
    this.#starting = undefined;
    if (!this.#keeper && hasSession) {
      this.#fork();
    }
    if (!this.#keeper) {
      return;
    }
    this.#silentTicks = 1;
    this.send({ type: 'close' });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      this.#ended = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (this.#silentTicks > 0) {
      // It has not even heard that it is to go.
      this.#keeper?.kill();
    }
    this.#abandon();
  }

  #fork(): void {
    this.#isReady = false;
    this.#silentTicks = 0;
    const keeper = new SideProcess(KEEPER_PATH, 'ipc');
    this.#keeper = keeper;
    keeper.child?.on('message', (message) => {
      if (this.#keeper === keeper) {
        this.#receive(message as FromKeeper);
      }
    });
    keeper.onEnd = ({ description, fatalReason }) => {
      if (this.#keeper === keeper) {
        this.#keeper = undefined;
        this.#replace(description, fatalReason);
      }
    };
    this.send(this.#options.opening());
  }

  #receive(message: FromKeeper): void {
    this.#silentTicks = 0;
    if (message.type === 'unusable') {
      this.#abandon();
      this.#replace(`cannot work: ${message.reason}`, message.reason);
      return;
    }
    this.#isReady = true;
    this.#starting?.resolve();
    this.#starting = undefined;
    if (message.type === 'alive' || this.#ended) {
      return;
    }
    try {
      this.#options.onMessage(message);
    } catch (error) {
      // An answer out of turn: what it says cannot be relied on any more.
      this.#discard(`was wrong: ${messageOf(error)}`);
    }
  }

  #discard(description: string): void {
    this.#keeper?.kill();
    this.#abandon();
    this.#replace(description);
  }

  /** Starts another keeper, unless not even the first one could work. */
  #replace(description: string, why = `it ${description}`): void {
    if (this.#ended) {
      this.#ended();
    } else if (this.#starting) {
      clearInterval(this.#ticker);
      this.#starting.reject(new Error(why));
      this.#starting = undefined;
    } else {
      this.#options.onGone(description);
      this.#restart = setTimeout(() => this.#fork(), this.#pause.next());
    }
  }

  #tick(): void {
    this.#options.onTick();
    if (!this.#keeper) {
      return;
    }
    // Counted in ticks of this process: they stop while it is blocked.
    const { sessionTimeoutMs } = this.#options;
    const toleratedMs = this.#isReady
      ? Math.max(SHORTEST_SILENCE_MS, sessionTimeoutMs / 4)
      : START_TIMEOUT_MS;
    if (this.#silentTicks * this.tickMs >= toleratedMs) {
      this.#discard('did not answer');
      return;
    }
    this.#silentTicks += 1;
    this.send({ type: 'alive' });
  }

  /** Lets the keeper go about its last business alone. */
  #abandon(): void {
    const child = this.#keeper?.child;
    this.#keeper = undefined;
    if (child?.connected) {
      child.disconnect();
    }
    child?.unref();
    child?.stderr?.destroy();
  }
}
