import { availableParallelism } from 'node:os';
import { findZookeeper } from '../../scripts/zookeeper/installation.mjs';
import { growth, type Growth } from './checks/usage.js';
import { violationsOf } from './checks/index.js';
import type { Cluster } from './cluster.js';
import type { FaultKind } from './faults/index.js';
import { longestGapMs } from './gaps.js';
import type { History } from './history.js';
import { ELECTIONS, SHARED_NAMES, type RunSettings } from './settings.js';
import { mean } from './statistics.js';
import type { Security } from './security.js';

/** What a run leaves behind, as JSON. */
export interface RunResult {
  readonly seed: string;
  readonly minutes: number;
  readonly instances: number;
  readonly sessionTimeoutMs: number;
  readonly security: Security;
  /** Whether half of the instances ran an earlier version. */
  readonly isMixedFleet: boolean;
  readonly steps: number;
  readonly leaderChanges: number;
  /** How often a partition had another owner than before. */
  readonly moves: number;
  readonly runs: number;
  readonly writes: { readonly accepted: number; readonly refused: number };
  readonly calls: number;
  readonly violations: readonly string[];
  /** Where ZooKeeper's servers showed different data: no fault of the library. */
  readonly zookeeperFailures: readonly string[];
  /** By kind; steps with two faults count for "combined". */
  readonly kinds: Readonly<Record<string, KindResult>>;
  /** What processes took over time. */
  readonly usage: readonly Growth[];
  readonly machine: {
    readonly node: string;
    /** Version of the servers. */
    readonly zookeeper: string;
    readonly cores: number;
    /** Processes that ran or wanted to, on average. */
    readonly load: number;
  };
}

export interface KindResult {
  readonly steps: number;
  /** Milliseconds without a leader, of each step in which there were any. */
  readonly gapsMs: readonly number[];
  /** Milliseconds until partitions were shared out, after it was known by whom. */
  readonly balancesMs: readonly number[];
  /** Milliseconds for which the ensemble did not serve, likewise. */
  readonly ensembleGapsMs: readonly number[];
}

export function resultOf(
  cluster: Cluster,
  settings: RunSettings,
  durationMs: number,
): RunResult {
  const { history, store } = cluster;
  const accepted = store.writes.filter(({ isAccepted }) => isAccepted).length;
  return {
    seed: settings.seed,
    minutes: durationMs / 60_000,
    instances: settings.instances,
    sessionTimeoutMs: settings.sessionTimeoutMs,
    security: settings.security,
    isMixedFleet: settings.formerLibrary !== undefined,
    steps: history.steps.length,
    leaderChanges: leaderChanges(history, ELECTIONS),
    moves: leaderChanges(history, SHARED_NAMES),
    runs: history.runs.length,
    writes: { accepted, refused: store.writes.length - accepted },
    calls: history.calls,
    violations: violationsOf(cluster),
    zookeeperFailures: history.zookeeperFailures,
    kinds: byKind(history),
    usage: growth(history),
    machine: {
      node: process.versions.node,
      zookeeper: findZookeeper()?.version ?? 'unknown',
      cores: availableParallelism(),
      load: mean(history.steps.map(({ load }) => load)),
    },
  };
}

function leaderChanges(
  { reigns }: History,
  elections: readonly string[],
): number {
  return elections
    .map((election) => {
      const leaders = reigns
        .filter((reign) => reign.election === election)
        .toSorted((a, b) => a.fromMs - b.fromMs);
      return leaders.filter(
        ({ instance }, i) => i > 0 && leaders[i - 1]?.instance !== instance,
      ).length;
    })
    .reduce((sum, each) => sum + each, 0);
}

function byKind(history: History): Record<string, KindResult> {
  const kinds: Record<
    string,
    {
      steps: number;
      gapsMs: number[];
      balancesMs: number[];
      ensembleGapsMs: number[];
    }
  > = {};
  // A cluster that had to be started anew tells nothing of the fault.
  for (const step of history.steps.filter((each) => !each.hasZookeeperFailed)) {
    const kind: FaultKind | 'combined' =
      step.kinds.length === 1 ? (step.kinds[0] as FaultKind) : 'combined';
    const result = (kinds[kind] ??= {
      steps: 0,
      gapsMs: [],
      balancesMs: [],
      ensembleGapsMs: [],
    });
    result.steps += 1;
    const gapMs = longestGapMs(history, step);
    if (gapMs > 0) {
      result.gapsMs.push(Math.round(gapMs));
    }
    result.balancesMs.push(Math.round(step.balancedMs - step.tidyMs));
    if (step.ensembleGapMs > 0) {
      result.ensembleGapsMs.push(Math.round(step.ensembleGapMs));
    }
  }
  return kinds;
}
