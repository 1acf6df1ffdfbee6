import { isFromKeeper } from './keeper/message-check.js';
import type { FromKeeper, ToKeeper } from './keeper/protocol.js';
import { KeeperProcess } from './keeper-process.js';

export interface SupervisorOptions {
  readonly sessionTimeoutMs: number;
  readonly maxStallMs: number;
  /** A keeper waits to be told which session to open. */
  readonly onReady: () => void;
  readonly onMessage: (message: FromKeeper) => void;
  /** The keeper is gone, its session perhaps not; another one is started. */
  readonly onGone: (description: string, byItself: boolean) => void;
  /** Called at regular intervals of this process. */
  readonly onTick: () => void;
}

/** Signs of life are no burden at this pace, however short the timeouts. */
const LONGEST_TICK_MS = 2_500;
const SHORTEST_TICK_MS = 20;
/** A machine may be too busy to run a process for that long. */
const SHORTEST_SILENCE_MS = 500;
const START_TIMEOUT_MS = 30_000;
/** A first keeper that has failed so often is not tried again. */
const ATTEMPTS_TO_START = 3;
const CLOSE_TIMEOUT_MS = 2_000;
const RESTARTS_WITHOUT_PAUSE = 3;
const FIRST_RESTART_PAUSE_MS = 50;
const LONGEST_RESTART_PAUSE_MS = 5_000;

/**
 * Sees to it that there is a keeper: starts another one when it is gone or does
 * not answer, soon enough to take its session over.
 */
export class KeeperSupervisor {
  readonly #options: SupervisorOptions;
  readonly #tickMs: number;
  readonly #toleratedSilences: number;
  #keeper: KeeperProcess | undefined;
  #isReady = false;
  /** Set until the first keeper is ready. */
  #starting: { resolve(): void; reject(error: Error): void } | undefined;
  #failedInARow = 0;
  #startedAtMs = 0;
  #silences = 0;
  #ticks: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  /** Set when closing; called when the keeper needs no attention any more. */
  #letGo: (() => void) | undefined;
  /** Whether the keeper has heard that it shall close. */
  #hasHeard = false;

  constructor(options: SupervisorOptions) {
    const { sessionTimeoutMs, maxStallMs } = options;
    this.#options = options;
    this.#tickMs = Math.max(
      SHORTEST_TICK_MS,
      Math.min(LONGEST_TICK_MS, maxStallMs / 5, sessionTimeoutMs / 10),
    );
    this.#toleratedSilences = Math.ceil(
      Math.max(SHORTEST_SILENCE_MS, sessionTimeoutMs / 4) / this.#tickMs,
    );
  }

  /** Milliseconds between two signs of life. */
  get tickMs(): number {
    return this.#tickMs;
  }

  /** Resolves when a keeper works; rejects when none can. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      this.#ticks = setInterval(() => this.#tick(), this.#tickMs);
      this.#fork();
    });
  }

  send(message: ToKeeper): void {
    if (this.#isReady) {
      this.#keeper?.send(message);
    }
  }

  /**
   * Has the keeper end its session and exit, and starts one for that if need
   * be. Resolves within a bound; never rejects.
   */
  async stop(hasSession: boolean): Promise<void> {
    clearInterval(this.#ticks);
    clearTimeout(this.#restart);
    this.#starting?.resolve();
    this.#starting = undefined;
    if (!this.#keeper && hasSession) {
      this.#fork();
    }
    if (this.#keeper) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          if (!this.#hasHeard) {
            this.#keeper?.kill();
          }
          resolve();
        }, CLOSE_TIMEOUT_MS);
        this.#letGo = () => {
          clearTimeout(timer);
          resolve();
        };
        if (this.#isReady || !hasSession) {
          this.#keeper?.send({ type: 'close' });
        }
      });
      this.#abandon();
    }
  }

  #fork(): void {
    this.#isReady = false;
    this.#silences = 0;
    this.#startedAtMs = performance.now();
    const keeper: KeeperProcess = new KeeperProcess({
      onMessage: (message) => {
        if (this.#keeper === keeper && isFromKeeper(message)) {
          this.#receive(message);
        }
      },
      onExit: (description, hopeless, byItself) => {
        if (this.#keeper === keeper) {
          this.#keeper = undefined;
          this.#restartLater(description, hopeless, byItself);
        }
      },
    });
    this.#keeper = keeper;
  }

  #receive(message: FromKeeper): void {
    this.#silences = 0;
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        this.#options.onReady();
        this.#starting?.resolve();
        this.#starting = undefined;
        if (this.#letGo) {
          this.#keeper?.send({ type: 'close' });
        }
        break;
      case 'unusable':
        this.#abandon();
        this.#restartLater(`cannot work: ${message.reason}`, message.reason);
        break;
      case 'closing':
        this.#hasHeard = true;
        if (message.isOutOfReach) {
          this.#letGo?.();
        }
        break;
      case 'closed':
        this.#letGo?.();
        break;
      default:
        if (!this.#letGo) {
          this.#options.onMessage(message);
        }
    }
  }

  /**
   * Starts another keeper. Where the first one has not come yet, it has to come
   * within some attempts, or at once if there is a reason why it never will.
   */
  #restartLater(
    description: string,
    hopeless?: string,
    byItself = false,
  ): void {
    this.#isReady = false;
    if (this.#letGo) {
      this.#letGo();
      return;
    }
    if (performance.now() - this.#startedAtMs > LONGEST_RESTART_PAUSE_MS) {
      this.#failedInARow = 0;
    }
    const pauseMs = this.#restartPauseMs();
    this.#failedInARow += 1;
    const isHopeless =
      hopeless !== undefined || this.#failedInARow >= ATTEMPTS_TO_START;
    if (this.#starting && isHopeless) {
      clearInterval(this.#ticks);
      this.#starting.reject(new Error(hopeless ?? `it ${description}`));
      this.#starting = undefined;
      return;
    }
    this.#options.onGone(description, byItself);
    this.#restart = setTimeout(() => this.#fork(), pauseMs);
  }

  /** None at first, because a session waits; short against its timeout. */
  #restartPauseMs(): number {
    const failed = this.#failedInARow - RESTARTS_WITHOUT_PAUSE;
    return failed < 0
      ? 0
      : Math.min(
          LONGEST_RESTART_PAUSE_MS,
          Math.max(100, this.#options.sessionTimeoutMs / 4),
          FIRST_RESTART_PAUSE_MS * 2 ** Math.min(failed, 20),
        );
  }

  #tick(): void {
    this.#options.onTick();
    if (!this.#keeper) {
      return;
    }
    // Counted in ticks of this process: they stop while it is blocked.
    const tolerated = this.#isReady
      ? this.#toleratedSilences
      : START_TIMEOUT_MS / this.#tickMs;
    if (this.#silences >= tolerated) {
      const keeper = this.#keeper;
      this.#abandon();
      keeper.kill();
      this.#restartLater('did not answer');
      return;
    }
    this.#silences += 1;
    this.send({ type: 'alive' });
  }

  #abandon(): void {
    this.#keeper?.release();
    this.#keeper = undefined;
    this.#isReady = false;
  }
}
