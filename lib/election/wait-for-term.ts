import {
  filter,
  firstValueFrom,
  map,
  merge,
  Observable,
  throwIfEmpty,
} from 'rxjs';
import {
  LONGEST_TIMER_MS,
  OptionChecks,
  type OptionTable,
} from '../validate.js';
import { LeaderElectionError } from './election.error.js';
import type { LeadershipState } from './leadership-state.js';
import type {
  LeadershipTerm,
  WaitForLeadershipOptions,
} from './leadership.interface.js';

const checks = new OptionChecks('LeaderElection.waitForLeadership()');
const OPTIONS: OptionTable<WaitForLeadershipOptions> = {
  signal: true,
  timeoutMs: true,
};

/** See {@link LeaderElection.waitForLeadership}. */
export async function waitForTerm(
  state: LeadershipState,
  options: WaitForLeadershipOptions = {},
): Promise<LeadershipTerm> {
  const { signal, timeoutMs = Infinity } = checks.object(options, OPTIONS);
  signal?.throwIfAborted();
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0)) {
    throw checks.error(
      'timeoutMs',
      timeoutMs,
      'is not a number of milliseconds',
      '0 or more',
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
