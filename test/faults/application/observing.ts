import { firstValueFrom, timeout } from 'rxjs';
import type { LeaderElection } from '../../../lib/index.js';

const ANSWER_TIMEOUT_MS = 10_000;

/** Follows who leads, for as long as the application lives. */
export function observe(elections: readonly LeaderElection[]): void {
  for (const election of elections) {
    election.leader$.subscribe();
  }
}

/** Asks once who leads, and unsubscribes. */
export function askForLeader({ leader$ }: LeaderElection): Promise<unknown> {
  return firstValueFrom(leader$.pipe(timeout(ANSWER_TIMEOUT_MS)));
}

/** How much memory each question leaves behind. */
export async function bytesPerObservation(
  elections: readonly LeaderElection[],
  times: number,
): Promise<number> {
  const ask = async (count: number): Promise<void> => {
    // One after the other: those that ask at once share what is watched.
    for (let asked = 0; asked < count; asked++) {
      await Promise.allSettled(elections.map(askForLeader));
    }
  };
  // What is compiled and cached once is not left behind by each.
  await ask(times / 4);
  const before = heapBytes();
  await ask(times);
  return (heapBytes() - before) / (times * elections.length);
}

function heapBytes(): number {
  // What the first collection finalizes is collected by the second.
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
