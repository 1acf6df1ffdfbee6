import {
  leaderOf,
  type ElectionView,
  type LedgerView,
} from '../cluster/cluster-view.interface.js';
import type { PartitionGroupView } from '../cluster/partition-view.interface.js';
import { taskStateOf } from '../cluster/task-state.js';
import type { Leadership } from '../election/leadership.interface.js';
import type { LeaderTaskInfo } from '../tasks/leader-task-info.interface.js';
import type { LocalRun } from './local-runs.js';
import { scheduleWords } from './schedule-words.js';
import type { SeenTerm } from './term-history.js';

/** What the page and the JSON show about an election. */
export function electionPart(
  view: ElectionView,
  terms: readonly SeenTerm[],
  own: Leadership | undefined,
) {
  const leader = leaderOf(view);
  return {
    election: view.election,
    leader: leader
      ? {
          instanceId: leader.instanceId,
          since: leader.leaderSince,
          fencingToken: leader.fencingToken,
        }
      : null,
    /** Since when nobody leads; absent if no leader has been seen here. */
    leaderlessSince: leader ? undefined : terms.at(-1)?.until,
    participants: view.participants.map((participant) => ({
      instanceId: participant.instanceId,
      application: participant.application,
      host: participant.host,
      pid: participant.pid,
      priority: participant.priority,
      fencingToken: participant.fencingToken,
      joinedAt: participant.joinedAt,
    })),
    participantCount: view.participantCount,
    /** With the option `balance`: who is to lead. */
    assignedTo: view.assignedTo,
    /** Where the leader does not do the work of those that wait. */
    warnings: view.warnings,
    /** Of the instance that tells; absent if it does not use the election. */
    ownRole: own?.role,
    /** Whether it takes no part because of the option `enabled: false`. */
    isDisabledHere: own?.reason === 'disabled',
    terms,
  };
}

/**
 * What the page and the JSON show about the partitions of one name: short, because
 * there may be thousands.
 */
export function partitionsPart({ owners, ...view }: PartitionGroupView) {
  return {
    ...view,
    /** For each partition, the place of its owner in `members`; -1: nobody. */
    owners: owners.map((owner) => owner?.member ?? -1),
    fencingTokens: owners.map((owner) => owner?.fencingToken ?? null),
    /** In milliseconds since the epoch. */
    since: owners.map((owner) => owner?.since?.getTime() ?? null),
  };
}

/** Where the runs of a task are known from. */
type RunSource = 'ledger' | 'this instance' | 'nowhere';

/** What is known of a task. */
export interface TaskFacts {
  readonly task: string;
  /** Undefined if the instance that tells does not have the task. */
  readonly info: LeaderTaskInfo | undefined;
  readonly ledger: LedgerView | undefined;
  /** Undefined while it is not known. */
  readonly ticksWithoutRun: readonly Date[] | undefined;
  readonly localRuns: readonly LocalRun[];
  readonly instanceId: string;
}

/** What the page and the JSON show about a task. */
function taskPart({
  task,
  info,
  ledger,
  ticksWithoutRun,
  localRuns,
  instanceId,
}: TaskFacts) {
  const hasLedger = info ? info.hasLedger : ledger !== undefined;
  const pause = ledger?.pause ?? info?.paused;
  const source: RunSource = hasLedger
    ? 'ledger'
    : info
      ? 'this instance'
      : 'nowhere';
  const runs = [
    ...(ledger?.runs ?? []),
    ...localRuns
      .filter(({ isManual }) => isManual || !hasLedger)
      .map((run) => ({ ...run, instanceId })),
  ].toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  return {
    task,
    election: info?.election,
    schedule: info?.schedule && {
      words: scheduleWords(info.schedule),
      ...info.schedule,
    },
    nextTick: info?.nextTick,
    /** Whether the instance that tells has this task. */
    isKnownHere: info !== undefined,
    runsAreFrom: source,
    ...taskStateOf(runs, ledger?.problem),
    runs,
    /**
     * Ticks since the first run that is listed which no run is recorded of; null
     * while that is not known, or cannot be.
     */
    ticksWithoutRun: (info?.schedule && ticksWithoutRun) ?? null,
    /** Counted by the instance that tells, since its start. */
    ownCounts: info && { ...info.counts, running: info.running },
    problem: ledger?.problem,
    pause,
  };
}

export type TaskPart = ReturnType<typeof taskPart>;

/** Makes parts anew only where something has changed. */
export class TaskParts {
  #known = new Map<string, { facts: TaskFacts; part: TaskPart }>();

  of(all: readonly TaskFacts[]): Map<string, TaskPart> {
    const known = this.#known;
    this.#known = new Map(
      all.map((facts) => {
        const former = known.get(facts.task);
        return [
          facts.task,
          former && isSame(former.facts, facts)
            ? former
            : { facts, part: taskPart(facts) },
        ];
      }),
    );
    return new Map([...this.#known].map(([task, { part }]) => [task, part]));
  }
}

function isSame(a: TaskFacts, b: TaskFacts): boolean {
  return (
    a.ledger === b.ledger &&
    a.ticksWithoutRun === b.ticksWithoutRun &&
    a.localRuns === b.localRuns &&
    (a.info === b.info || JSON.stringify(a.info) === JSON.stringify(b.info))
  );
}
