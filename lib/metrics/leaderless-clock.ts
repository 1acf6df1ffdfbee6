import { Subscription, type Observable } from 'rxjs';
import type { ManagedElection } from '../election/managed-election.js';
import type {
  Leadership,
  Participant,
} from '../election/leadership.interface.js';
import type { Connection } from '../zookeeper/zookeeper-client.interface.js';

/** A gap between two terms. */
export type HandoverListener = (durationMs: number) => void;

/**
 * Measures for how long an election has no leader as seen here: this instance
 * does not lead, and sees nobody who does.
 */
export class LeaderlessClock {
  readonly #instanceId: string;
  readonly #onHandover: HandoverListener;
  readonly #subscriptions = new Subscription();
  #leadership: Leadership;
  #sighting: Participant | undefined;
  #isConnected = false;
  /** Fencing token of the last term that was seen. */
  #lastToken: number | undefined;
  #gapBeganAtMs: number | undefined = performance.now();
  /** Up to when the present gap has been taken. */
  #takenUntilMs = performance.now();
  #untakenMs = 0;

  constructor(
    election: ManagedElection,
    connection$: Observable<Connection> | undefined,
    onHandover: HandoverListener,
  ) {
    this.#instanceId = election.instanceId;
    this.#onHandover = onHandover;
    this.#leadership = election.leadership;
    const watch = <T>(
      source$: Observable<T>,
      take: (value: T) => void,
    ): void => {
      this.#subscriptions.add(
        source$.subscribe((value) => {
          take(value);
          this.#update();
        }),
      );
    };
    watch(election.leadership$, (leadership) => {
      this.#leadership = leadership;
    });
    if (connection$) {
      watch(connection$, ({ state }) => {
        this.#isConnected = state === 'connected';
      });
    }
    watch(election.sightings$, (sighting) => {
      this.#sighting = sighting;
    });
  }

  /** The leaderless milliseconds since this was asked before. */
  take(): number {
    this.#addGap();
    const takenMs = this.#untakenMs;
    this.#untakenMs = 0;
    return takenMs;
  }

  stop(): void {
    this.#subscriptions.unsubscribe();
    this.#addGap();
    this.#gapBeganAtMs = undefined;
  }

  #update(): void {
    const token = this.#token();
    if (token === undefined) {
      if (this.#gapBeganAtMs === undefined) {
        this.#gapBeganAtMs = performance.now();
        this.#takenUntilMs = this.#gapBeganAtMs;
      }
      return;
    }
    // Next in line leads in the very turn in which the leader is gone.
    const nowMs = performance.now();
    const gapMs = nowMs - (this.#gapBeganAtMs ?? nowMs);
    if (this.#lastToken !== undefined && this.#lastToken !== token) {
      this.#onHandover(gapMs);
    }
    this.#addGap();
    this.#gapBeganAtMs = undefined;
    this.#lastToken = token;
  }

  /** Of the present term, here or elsewhere. */
  #token(): number | undefined {
    if (this.#leadership.role === 'leader') {
      return this.#leadership.term.fencingToken;
    }
    // A leader that has stepped down still sees its own node for a while.
    const isOther = this.#sighting?.instanceId !== this.#instanceId;
    return this.#isConnected && isOther && this.#sighting?.leaderSince
      ? this.#sighting.fencingToken
      : undefined;
  }

  #addGap(): void {
    if (this.#gapBeganAtMs !== undefined) {
      const nowMs = performance.now();
      this.#untakenMs += nowMs - this.#takenUntilMs;
      this.#takenUntilMs = nowMs;
    }
  }
}
