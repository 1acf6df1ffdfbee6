import {
  filter,
  firstValueFrom,
  map,
  merge,
  Observable,
  throwIfEmpty,
} from 'rxjs';
import { LeaderElectionError } from './election.error.js';
import type { LeadershipState } from './leadership-state.js';
import type {
  LeadershipTerm,
  WaitForLeadershipOptions,
} from './leadership.interface.js';

/** What a timer can be set to. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** See {@link LeaderElection.waitForLeadership}. */
export async function waitForTerm(
  state: LeadershipState,
  { signal, timeoutMs = Infinity }: WaitForLeadershipOptions = {},
): Promise<LeadershipTerm> {
  signal?.throwIfAborted();
  if (!(timeoutMs >= 0)) {
    throw new TypeError(
      `waitForLeadership: timeoutMs must be a number of milliseconds, got ${timeoutMs}`,
    );
  }
  const { election } = state.current;
  const term$ = state.changes$.pipe(
    map((leadership) => {
      if (leadership.reason === 'disabled') {
        throw new LeaderElectionError(
          'DISABLED',
          `This instance never takes part in the election "${election}": the ` +
            'module is configured with enabled: false',
        );
      }
      return leadership.role === 'leader' && state.isLeader()
        ? leadership.term
        : undefined;
    }),
    filter((term) => term !== undefined),
    throwIfEmpty(
      () =>
        new LeaderElectionError(
          'CLOSED',
          `The election "${election}" has ended: the application is closing, or ` +
            'the election has been disposed of',
        ),
    ),
  );
  const given$ = new Observable<never>((waiting) => {
    const onAbort = (): void => waiting.error(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    waiting.add(() => signal?.removeEventListener('abort', onAbort));
    return after(timeoutMs, () =>
      waiting.error(
        new LeaderElectionError(
          'TIMEOUT',
          'This instance did not become the leader of the election ' +
            `"${election}" within ${timeoutMs} ms`,
        ),
      ),
    );
  });
  return firstValueFrom(merge(term$, given$));
}

/** Calls `act` after a time of any length; returns what prevents that. */
function after(ms: number, act: () => void): () => void {
  if (ms === Infinity) {
    return () => undefined;
  }
  const endMs = performance.now() + ms;
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const remainingMs = endMs - performance.now();
    timer =
      remainingMs > LONGEST_TIMER_MS
        ? setTimeout(wait, LONGEST_TIMER_MS)
        : setTimeout(act, remainingMs);
  };
  wait();
  return () => clearTimeout(timer);
}
