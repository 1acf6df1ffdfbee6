import { distinctUntilChanged, map, type Observable } from 'rxjs';
import { BaseElection } from './base-election.js';
import { LeadershipState } from './leadership-state.js';
import type {
  Leadership,
  LeadershipReason,
  Participant,
} from './leadership.interface.js';
import type { ElectionParts } from './managed-election.js';

/** Below every token that ZooKeeper gives, and exact as a number. */
const FIRST_TOKEN = -(2 ** 52);
let lastToken = FIRST_TOKEN;

/**
 * Grows from term to term, also across restarts, because time does. Negative: a
 * resource that has been fenced here refuses nothing once there is ZooKeeper.
 */
function nextStandaloneToken(): number {
  lastToken = Math.max(lastToken + 1, FIRST_TOKEN + Date.now());
  return lastToken;
}

/** An election without ZooKeeper, which this instance always wins. */
export class StandaloneElection extends BaseElection {
  readonly #state: LeadershipState;
  readonly #joinedAt = new Date();
  readonly #parts: ElectionParts;
  #isEntered = false;

  constructor(parts: ElectionParts) {
    const state = new LeadershipState(parts.name, parts.identity.instanceId);
    super(parts, state);
    this.#parts = parts;
    this.#state = state;
  }

  get leader$(): Observable<Participant | undefined> {
    return this.#state.changes$.pipe(
      map((leadership) => this.#participantIn(leadership)),
      distinctUntilChanged((a, b) => a?.fencingToken === b?.fencingToken),
    );
  }

  get sightings$(): Observable<Participant | undefined> {
    return this.leader$;
  }

  confirm(): Promise<boolean> {
    return this.revalidate();
  }

  participants(): Promise<Participant[]> {
    const participant = this.#participantIn(this.leadership);
    return Promise.resolve(participant ? [participant] : []);
  }

  enter(): void {
    if (!this.#isEntered) {
      this.#isEntered = true;
      this.#state.lead(nextStandaloneToken(), 'standalone');
    }
  }

  /** There is nobody else: the term ends and the next one begins. */
  async resign(): Promise<void> {
    if (this.#state.isLeading) {
      this.#state.follow('resigned');
      await this.#parts.drain(this.name);
      if (this.#isEntered) {
        this.#state.lead(nextStandaloneToken(), 'standalone');
      }
    }
  }

  async withdraw(): Promise<void> {
    if (this.#isEntered) {
      await this.#leave('withdrawn');
    }
  }

  async shutDown(): Promise<void> {
    await this.#leave('shutdown');
    this.#state.complete('shutdown');
  }

  async dispose(): Promise<void> {
    await this.#leave('withdrawn');
    this.#state.complete('withdrawn');
  }

  async #leave(reason: LeadershipReason): Promise<void> {
    this.#isEntered = false;
    this.#state.idle(reason);
    await this.#parts.drain(this.name);
  }

  #participantIn(leadership: Leadership): Participant | undefined {
    return leadership.role === 'leader'
      ? {
          node: this.name,
          ...this.#parts.identity,
          fencingToken: leadership.term.fencingToken,
          joinedAt: this.#joinedAt,
          leaderSince: leadership.since,
        }
      : undefined;
  }
}
