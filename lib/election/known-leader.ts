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
  find(): Promise<Participant | undefined> {
    if (!this.#leader) {
      this.#leader = new ReplaySubject(1);
      this.#leader$.subscribe(this.#leader);
    }
    return leaderWithin(this.#leader, LOOK_UP_TIMEOUT_MS);
  }
}

/** Asks once; undefined where there is no leader, or none is known in time. */
export async function leaderWithin(
  leader$: Observable<Participant | undefined>,
  timeoutMs: number,
): Promise<Participant | undefined> {
  try {
    return await firstValueFrom(leader$.pipe(timeout({ first: timeoutMs })));
  } catch {
    return undefined;
  }
}
