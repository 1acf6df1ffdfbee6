import { describeGrowth } from './checks/usage.js';
import type { RunResult } from './result.js';
import { median, worst } from './statistics.js';

/** Most violations are the same one again. */
const MOST_PRINTED = 40;

export function printResult(result: RunResult): void {
  const { seed, minutes, steps, leaderChanges, moves } = result;
  const { writes, violations } = result;
  console.log(
    `\nSeed ${seed}: ${minutes.toFixed(1)} minutes, ${steps} steps, ${leaderChanges} leader changes, ${moves} moves of partitions, ` +
      `${result.runs} runs, ${writes.accepted} writes accepted and ${writes.refused} refused, ${result.calls} calls.`,
  );
  console.log(
    '\nkind              steps  without a leader: times  median   worst  (ms)   until balance: worst   ensemble: median   worst',
  );
  for (const [kind, of] of Object.entries(result.kinds).toSorted(([a], [b]) =>
    a.localeCompare(b),
  )) {
    const { steps: count, gapsMs, balancesMs, ensembleGapsMs } = of;
    console.log(
      [
        kind.padEnd(17),
        column(count, 6),
        column(gapsMs.length, 25),
        column(median(gapsMs), 8),
        column(worst(gapsMs), 8),
        column(worst(balancesMs), 30),
        column(median(ensembleGapsMs), 19),
        column(worst(ensembleGapsMs), 8),
      ].join(''),
    );
  }
  for (const each of result.usage) {
    console.log(`Usage: ${describeGrowth(each)}`);
  }
  for (const failure of result.zookeeperFailures) {
    console.log(`ZooKeeper: ${failure}`);
  }
  console.log(`\n${violations.length} violations`);
  for (const violation of violations.slice(0, MOST_PRINTED)) {
    console.log(`  ${violation}`);
  }
}

function column(value: number, width: number): string {
  return (Number.isFinite(value) ? String(value) : '-').padStart(width);
}
