import { partitionName } from '../partitions/partition.js';
import { leaderOf, type ClusterView } from './cluster-view.interface.js';
import type {
  PartitionGroupView,
  UnownedPartition,
} from './partition-view.interface.js';

/** A move takes milliseconds: after this time, no owner is a problem. */
export const UNOWNED_DUE_MS = 5_000;

/** Whether anything is wrong, as page and command line say it first. */
export interface Verdict {
  /** Names of tasks whose last run did not end well. */
  readonly failing: readonly string[];
  /** Names of elections without a leader. */
  readonly leaderless: readonly string[];
  /**
   * Names of partitions without an owner for longer than a move takes; absent
   * where there are no partitions.
   */
  readonly unowned?: readonly string[];
  /** Names of elections led by another application, or another version. */
  readonly foreign: readonly string[];
  /** Names of partitions that several applications share. */
  readonly shared: readonly string[];
  readonly instances: number;
}

/** Judges the cluster; `failing` are the names of tasks that fail. */
export function verdictOf(
  {
    elections,
    partitions,
    instances,
  }: Pick<ClusterView, 'elections' | 'partitions' | 'instances'>,
  failing: readonly string[],
): Verdict {
  return {
    failing,
    leaderless: elections
      .filter((each) => !leaderOf(each))
      .map(({ election }) => election),
    ...(partitions.length > 0 && {
      unowned: partitions.flatMap((each) =>
        overdueOf(each).map(({ partition }) =>
          partitionName(each.group, partition),
        ),
      ),
    }),
    foreign: elections
      .filter(({ warnings }) => warnings.length > 0)
      .map(({ election }) => election),
    shared: partitions
      .filter(({ warnings }) => warnings.length > 0)
      .map(({ group }) => group),
    instances: instances.length,
  };
}

/** What has had no owner for longer than a move takes. */
export function overdueOf({
  unowned,
}: Pick<PartitionGroupView, 'unowned'>): UnownedPartition[] {
  const dueMs = Date.now() - UNOWNED_DUE_MS;
  return unowned.filter(({ since }) => since.getTime() <= dueMs);
}

/** The verdict in one line, such as `1 task failing · 0 elections without a leader · 3 instances`. */
export function verdictText(verdict: Verdict): string {
  return [
    `${count(verdict.failing.length, 'task')} failing`,
    `${count(verdict.leaderless.length, 'election')} without a leader`,
    ...(verdict.foreign.length > 0
      ? [`${count(verdict.foreign.length, 'election')} with a foreign leader`]
      : []),
    ...(verdict.shared.length > 0
      ? [`partitions of several applications: ${verdict.shared.length}`]
      : []),
    ...(verdict.unowned
      ? [`${count(verdict.unowned.length, 'partition')} without an owner`]
      : []),
    count(verdict.instances, 'instance'),
  ].join(' · ');
}

/** Nothing fails, all is led and owned as it should be, and there is an instance. */
export function isWell(verdict: Verdict): boolean {
  const { failing, leaderless, foreign, shared, unowned = [] } = verdict;
  const problems = [failing, leaderless, foreign, shared, unowned].flat();
  return problems.length === 0 && verdict.instances > 0;
}

/** A number with its noun, as in `1 task` and `0 tasks`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
