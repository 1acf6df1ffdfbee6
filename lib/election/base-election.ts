import type { Observable } from 'rxjs';
import type {
  OnlyLeaderFunction,
  OnlyLeaderOptions,
} from '../interfaces/leader-task-options.interface.js';
import { LeaderElection } from './leader-election.js';
import type { LeadershipState } from './leadership-state.js';
import type {
  Leadership,
  LeadershipTerm,
  Participant,
  WaitForLeadershipOptions,
} from './leadership.interface.js';
import type { ElectionParts, ManagedElection } from './managed-election.js';
import { waitForTerm } from './wait-for-term.js';

/** The part of an election that follows from its state. */
export abstract class BaseElection
  extends LeaderElection
  implements ManagedElection
{
  readonly #parts: ElectionParts;
  readonly #state: LeadershipState;

  constructor(parts: ElectionParts, state: LeadershipState) {
    super();
    this.#parts = parts;
    this.#state = state;
  }

  get name(): string {
    return this.#parts.name;
  }

  get instanceId(): string {
    return this.#parts.identity.instanceId;
  }

  get leadership(): Leadership {
    return this.#state.current;
  }

  get leadership$(): Observable<Leadership> {
    return this.#state.changes$;
  }

  isLeader(): boolean {
    return this.#state.isLeader();
  }

  leadsAtMs(): number | undefined {
    return this.#state.leadsAtMs();
  }

  revalidate(): Promise<boolean> {
    return this.#state.revalidate();
  }

  async waitForLeadership(
    options?: WaitForLeadershipOptions,
  ): Promise<LeadershipTerm> {
    this.#parts.onAwaited();
    await this.revalidate();
    return waitForTerm(this.#state, options);
  }

  onlyLeader<Args extends unknown[], Result>(
    fn: (...args: Args) => Result,
    options: OnlyLeaderOptions = {},
  ): OnlyLeaderFunction<Args, Result> {
    return this.#parts.guard(this, fn, options);
  }

  abstract readonly sightings$: Observable<Participant | undefined>;
  abstract confirm(): Promise<boolean>;
  abstract shutDown(): Promise<void>;
  abstract dispose(): Promise<void>;
}
