import { firstValueFrom, ReplaySubject, timeout, type Observable } from 'rxjs';
import type { Participant } from './leadership.interface.js';

/** How long somebody who asks waits at most to be told. */
const LOOK_UP_TIMEOUT_MS = 500;

/**
 * Who leads an election, for callers that ask often: it watches the leader from
 * the first call on, and later calls need no request.
 */
export class KnownLeader {
  readonly #leader$: Observable<Participant | undefined>;
  #leader: ReplaySubject<Participant | undefined> | undefined;

  constructor(leader$: Observable<Participant | undefined>) {
    this.#leader$ = leader$;
  }

  /** The leader; undefined where there is none, or none is known in time. */
  async find(): Promise<Participant | undefined> {
    if (!this.#leader) {
      this.#leader = new ReplaySubject(1);
      this.#leader$.subscribe(this.#leader);
    }
    try {
      return await firstValueFrom(
        this.#leader.pipe(timeout({ first: LOOK_UP_TIMEOUT_MS })),
      );
    } catch {
      return undefined;
    }
  }
}
