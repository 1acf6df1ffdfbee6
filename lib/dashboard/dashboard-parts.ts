import {
  leaderOf,
  type ElectionView,
  type LedgerView,
} from '../cluster/cluster-view.interface.js';
import type { Leadership } from '../election/leadership.interface.js';
import type {
  LeaderTaskInfo,
  LeaderTaskSchedule,
} from '../tasks/leader-task-info.interface.js';
import type { LocalRun } from './local-runs.js';
import type { SeenTerm } from './term-history.js';

/** What the page, and a script, are told of an election. */
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
    participants: view.participants.map((participant) => ({
      instanceId: participant.instanceId,
      host: participant.host,
      pid: participant.pid,
      fencingToken: participant.fencingToken,
      joinedAt: participant.joinedAt,
    })),
    participantCount: view.participantCount,
    /** Of the instance that tells; absent if it does not use the election. */
    ownRole: own?.role,
    terms,
  };
}

/** Whence what is told of a task's runs. */
type RunSource = 'ledger' | 'this instance' | 'nowhere';

/** What the page, and a script, are told of a task. */
export function taskPart(
  task: string,
  info: LeaderTaskInfo | undefined,
  ledger: LedgerView | undefined,
  ticksWithoutRun: readonly Date[],
  localRuns: readonly LocalRun[],
  instanceId: string,
) {
  const hasLedger = ledger !== undefined || info?.hasLedger === true;
  const source: RunSource = hasLedger
    ? 'ledger'
    : info
      ? 'this instance'
      : 'nowhere';
  return {
    task,
    election: info?.election,
    schedule: info?.schedule && scheduleText(info.schedule),
    nextTick: info?.nextTick,
    /** Whether the instance that tells has this task. */
    isKnownHere: info !== undefined,
    runsAreFrom: source,
    runs: [
      ...(ledger?.runs ?? []),
      ...localRuns
        .filter(({ isManual }) => isManual || !hasLedger)
        .map((run) => ({ ...run, instanceId })),
    ].toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime()),
    /** Ticks since the first run that is listed which no run is recorded of. */
    ticksWithoutRun,
    /** Counted by the instance that tells, since its start. */
    ownCounts: info && { ...info.counts, running: info.running },
    problem: ledger?.problem,
  };
}

function scheduleText(schedule: LeaderTaskSchedule): string {
  if (schedule.type === 'cron') {
    return `${schedule.expression} (${schedule.timeZone})`;
  }
  return schedule.type === 'interval'
    ? `every ${schedule.everyMs / 1000} s`
    : `once, ${schedule.afterMs / 1000} s after the start`;
}
