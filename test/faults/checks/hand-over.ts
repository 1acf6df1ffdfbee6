import type { FaultKind } from '../faults/index.js';
import type { History, Reign, Step } from '../history.js';
import { DRAIN_TIMEOUT_MS } from '../settings.js';

const GIVEN_UP = [
  'resigned',
  'withdrawn',
  'shutdown',
  'unassigned',
  'outranked',
];
/** Nothing but what gives leadership up in good order. */
const ORDERLY: readonly FaultKind[] = ['resign', 'withdraw', 'terminate'];

/**
 * A leader that gives leadership up, and does not lose it, waits for its runs:
 * nobody else leads before they or the drain timeout have ended.
 */
export function checkHandOver({ reigns, runs, steps }: History): string[] {
  const givenUp = reigns.filter(
    ({ endReason, untilMs }) =>
      endReason !== undefined &&
      GIVEN_UP.includes(endReason) &&
      isOrderly(untilMs, steps),
  );
  return givenUp.flatMap((reign) => {
    const next = nextLeader(reign, reigns);
    return runs
      .filter(
        ({ instance, election, fencingToken, atMs, endMs = Infinity }) =>
          instance === reign.instance &&
          election === reign.election &&
          fencingToken === reign.fencingToken &&
          atMs <= reign.untilMs &&
          next !== undefined &&
          endMs > next.fromMs &&
          next.fromMs - reign.untilMs < DRAIN_TIMEOUT_MS,
      )
      .map(
        ({ task, instance, tick }) =>
          `${next?.instance} leads while "${task}" (tick ${tick}) of ${instance} still runs, which has given it up (${reign.endReason})`,
      );
  });
}

function nextLeader(
  former: Reign,
  reigns: readonly Reign[],
): Reign | undefined {
  return reigns
    .filter(
      ({ election, instance, fromMs }) =>
        election === former.election &&
        instance !== former.instance &&
        fromMs >= former.untilMs,
    )
    .toSorted((a, b) => a.fromMs - b.fromMs)[0];
}

function isOrderly(atMs: number, steps: readonly Step[]): boolean {
  return steps.some(
    ({ kinds, fromMs, healedMs }) =>
      fromMs <= atMs &&
      atMs <= healedMs &&
      kinds.every((kind) => ORDERLY.includes(kind)),
  );
}
