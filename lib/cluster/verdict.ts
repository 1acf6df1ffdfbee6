import { leaderOf, type ClusterView } from './cluster-view.interface.js';

/** Whether anything is wrong, as page and command line say it first. */
export interface Verdict {
  /** Names of tasks whose last run did not end well. */
  readonly failing: readonly string[];
  /** Names of elections without a leader. */
  readonly leaderless: readonly string[];
  readonly instances: number;
}

/** Judges the cluster; `failing` are the names of tasks that fail. */
export function verdictOf(
  { elections, instances }: Pick<ClusterView, 'elections' | 'instances'>,
  failing: readonly string[],
): Verdict {
  return {
    failing,
    leaderless: elections
      .filter((each) => !leaderOf(each))
      .map(({ election }) => election),
    instances: instances.length,
  };
}

/** The verdict in one line, such as `1 task failing · 0 elections without a leader · 3 instances`. */
export function verdictText(verdict: Verdict): string {
  return [
    `${count(verdict.failing.length, 'task')} failing`,
    `${count(verdict.leaderless.length, 'election')} without a leader`,
    count(verdict.instances, 'instance'),
  ].join(' · ');
}

/** Nothing fails, every election has a leader, and there is an instance. */
export function isWell({ failing, leaderless, instances }: Verdict): boolean {
  return failing.length + leaderless.length === 0 && instances > 0;
}

/** A number with its noun, as in `1 task` and `0 tasks`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
