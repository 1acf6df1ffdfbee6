import path from 'node:path';
import { closeAtExit } from '../at-exit.js';
import { Deferred } from '../deferred.js';
import guardianModule from '../guardian/guardian-path.cjs';
import { RestartPause } from '../guardian/application/restart-pause.js';
import { messageOf } from '../message-of.js';
import { SideProcess, awaitEndAtExit } from '../side-process.js';
import { settledWithin } from '../within.js';
import type { ClientSettings } from '../zookeeper/client-factory.interface.js';
import type { FromKeeper, KeptSession, ToKeeper } from './keeper/protocol.js';

/** The client that a keeper works for. */
export interface KeptClient {
  /** To be taken over, if there is one. */
  readonly session: () => KeptSession | undefined;
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
  readonly #settings: ClientSettings;
  readonly #client: KeptClient;
  readonly #pause = new RestartPause();
  readonly tickMs: number;
  #keeper: SideProcess | undefined;
  /** For how many own ticks the keeper may be silent: they stop with this process. */
  #patience = 0;
  /** Resolved when the first keeper works or, with the reason, when it does not. */
  readonly #started = new Deferred<string | undefined>();
  #hasStarted = false;
  #ticker: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #forgetExit: (() => void) | undefined;
  /** Set when closing; resolved when the keeper has ended. */
  #ending: Deferred | undefined;

  constructor(settings: ClientSettings, client: KeptClient) {
    this.#settings = settings;
    this.#client = client;
    const { maxStallMs, sessionTimeoutMs } = settings;
    this.tickMs = Math.max(
      SHORTEST_TICK_MS,
      Math.min(LONGEST_TICK_MS, maxStallMs / 5, sessionTimeoutMs / 10),
    );
  }

  /** Resolves when a keeper works or, with the reason, when none can. */
  start(): Promise<string | undefined> {
    this.#forgetExit = closeAtExit(() => {
      this.send({ type: 'close' });
      awaitEndAtExit(() => this.#keeper?.isRunning() ?? false);
    });
    this.#ticker = setInterval(() => this.#tick(), this.tickMs);
    this.#fork();
    return this.#started.promise;
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
  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    clearTimeout(this.#restart);
    this.#forgetExit?.();
    this.#started.resolve(undefined);
    if (!this.#keeper && this.#client.session()) {
      this.#fork();
    }
    if (!this.#keeper) {
      return;
    }
    this.#ending = new Deferred();
    this.#patience = 0;
    this.send({ type: 'close' });
    await settledWithin([this.#ending.promise], CLOSE_TIMEOUT_MS);
    if (this.#patience === 0) {
      // It has not even heard that it is to go.
      this.#keeper?.kill();
    }
    this.#abandon();
  }

  #fork(): void {
    this.#patience = START_TIMEOUT_MS / this.tickMs;
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
    const { servers, sessionTimeoutMs, maxStallMs } = this.#settings;
    const session = this.#client.session();
    this.send({ type: 'open', servers, sessionTimeoutMs, maxStallMs, session });
  }

  #receive(message: FromKeeper): void {
    const { sessionTimeoutMs } = this.#settings;
    const toleratedMs = Math.max(SHORTEST_SILENCE_MS, sessionTimeoutMs / 4);
    this.#patience = Math.ceil(toleratedMs / this.tickMs);
    this.#hasStarted = true;
    this.#started.resolve(undefined);
    if (message.type === 'alive' || this.#ending) {
      return;
    }
    try {
      this.#client.onMessage(message);
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
    if (this.#ending) {
      this.#ending.resolve();
    } else if (this.#hasStarted) {
      this.#client.onGone(description);
      this.#restart = setTimeout(() => this.#fork(), this.#pause.next());
    } else {
      clearInterval(this.#ticker);
      this.#started.resolve(why);
    }
  }

  #tick(): void {
    this.#client.onTick();
    this.#patience -= 1;
    if (this.#keeper && this.#patience < 0) {
      this.#discard('did not answer');
    } else {
      this.send({ type: 'alive' });
    }
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
