import { waitFor } from '../support/wait-for.js';
import { balanceProblems } from './checks/balance.js';
import { standingProblems } from './checks/standing.js';
import { NodeChurn } from './checks/churn.js';
import { replicaDifferences } from './checks/replicas.js';
import { treeProblems } from './checks/tree.js';
import { monotonicMs } from './clock.js';
import type { Cluster } from './cluster.js';
import { wipe } from './faults/servers.js';
import { ALL_ELECTIONS, PATIENCE_MS } from './settings.js';
import { Stalls } from './stalls.js';

/** The canary writes several times in it, if it can. */
const FRESH_MS = 200;
/** Longer than servers take to notice that they do not hear each other. */
const STUCK_MS = 15_000;
const MOST_RESTARTS = 4;
/** Of the session timeout: nothing runs for longer than a tenth of it. */
const BALANCE_SHARE = 0.5;
/** docs/elections.md: who comes and goes waits for a minute at most. */
const STEADY_MS = 60_000;
/** In session timeouts: for requests that were lost, and for runs and hooks to end. */
const MAKING_WAY = 5;
/** Enough to be sure, on a machine that is busy. */
const HASTY_SESSION_TIMEOUTS = 5;

/** When a cluster was whole again. */
export interface Healed {
  /** Each election has a leader. */
  readonly ledMs: number;
  /** Each instance has its one node, and nobody else has any. */
  readonly tidyMs: number;
  /** Each partition has an owner, and each instance its share. */
  readonly balancedMs: number;
}

/** Waits for a cluster to recover, and finds fault with what does not. */
export class Healing {
  readonly #cluster: Cluster;
  readonly #stalls = new Stalls();
  readonly #churn = new NodeChurn();
  /** What is late enough is a violation; how late does not matter to the hasty. */
  #patienceMs = PATIENCE_MS;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  stop(): void {
    this.#stalls.stop();
  }

  /** When everything has been started for the first time. */
  async atStart(): Promise<void> {
    await this.#untilLed(PATIENCE_MS, 'at the start');
    await this.#untilTidy(PATIENCE_MS, 'at the start');
    await this.#untilBalanced(PATIENCE_MS, 'at the start');
    await this.#untilStanding('at the start');
    await this.#countNodes('at the start');
    const { settings, sessionTimeoutMs } = this.#cluster;
    if (settings.isHasty) {
      this.#patienceMs = HASTY_SESSION_TIMEOUTS * sessionTimeoutMs;
    }
  }

  /**
   * Waits until the servers, which serve by their own word and which nothing keeps
   * from it, commit what is written: ZooKeeper 3.8 may lose what a follower that
   * joins again has acknowledged, and the leader then waits for it for ever, with
   * all that comes after it (docs/reliability.md). Another leader does not.
   */
  async untilCommitting(when: string): Promise<void> {
    const { canary, ensemble, history } = this.#cluster;
    for (let restarts = 0; restarts < MOST_RESTARTS; restarts++) {
      const sinceMs = monotonicMs() - FRESH_MS;
      const { afterMs } = await this.#until(
        () => canary.acknowledgedMs >= sinceMs,
        'a write of the canary',
        STUCK_MS,
      );
      if (Number.isFinite(afterMs)) {
        return;
      }
      const { id, server } = await ensemble.anyServing();
      const { proposal_count, commit_count, synced_followers } =
        await server.counters();
      history.zookeeperFailed(
        `nothing is committed ${when}: server ${id} has ${synced_followers} followers in step, ` +
          `and of ${proposal_count} proposals ${commit_count} are committed`,
      );
      await server.restart();
      await ensemble.untilServing();
    }
  }

  /**
   * One leader for each election within two session timeouts, one node for each
   * instance within two more, and then its share of the partitions within half of
   * one. The servers serve, and nothing is broken.
   *
   * @param when which step it comes after, in words
   */
  async after(when: string): Promise<Healed> {
    await this.#checkCanary(when);
    const dueMs = 2 * this.#cluster.sessionTimeoutMs;
    const ledMs = await this.#untilLed(dueMs, when);
    const tidyMs = await this.#untilTidy(dueMs, when);
    const balancedMs = await this.#untilBalanced(
      BALANCE_SHARE * this.#cluster.sessionTimeoutMs,
      when,
    );
    await this.#countNodes(when);
    return { ledMs, tidyMs, balancedMs };
  }

  /** Nothing is broken any more: those lead that should. */
  async atEnd(): Promise<void> {
    await this.#untilStanding('at the end');
  }

  async #untilStanding(when: string): Promise<void> {
    const cluster = this.#cluster;
    const dueMs = STEADY_MS + MAKING_WAY * cluster.sessionTimeoutMs;
    let lastProblems: string[] = [];
    const standing = await this.#until(
      () => {
        const problems = standingProblems(cluster.contenders, cluster.leaders);
        lastProblems = problems.length > 0 ? problems : lastProblems;
        return problems.length === 0;
      },
      'those to lead that should',
      dueMs + PATIENCE_MS,
    );
    if (standing.afterMs > dueMs) {
      cluster.history.problem(
        `others lead than should, ${ms(dueMs)} ${when}: ${late(standing.afterMs)}, ${lastProblems.join('; ')}`,
      );
    }
    cluster.settings.log(
      `Those lead that should, ${when}: ${late(standing.afterMs)} later.`,
    );
  }

  async #untilLed(dueMs: number, when: string): Promise<number> {
    const healed = await this.#until(
      () => this.#cluster.hasLeaders,
      'a leader of each election',
    );
    if (healed.afterMs > dueMs) {
      this.#cluster.history.problem(
        `no leader within ${ms(dueMs)} ${when}: ${late(healed.afterMs)}`,
      );
    }
    return healed.atMs;
  }

  /**
   * A lost machine's nodes stay for a session timeout, and its place is taken by
   * another process, which has to start first.
   */
  async #untilTidy(dueMs: number, when: string): Promise<number> {
    const cluster = this.#cluster;
    const started = await this.#until(
      () => cluster.isReady,
      'all instances to have started',
      PATIENCE_MS,
    );
    if (started.afterMs === Infinity) {
      cluster.history.problem(`not all instances have started ${when}`);
    }
    let lastProblems: string[] = [];
    const tidy = await this.#until(async () => {
      const problems = await cluster.inspect((client) =>
        treeProblems(cluster, client),
      );
      lastProblems = problems.length > 0 ? problems : lastProblems;
      return problems.length === 0;
    }, 'one node for each instance');
    if (tidy.afterMs === Infinity) {
      const differences = await replicaDifferences(cluster);
      if (differences.length > 0) {
        cluster.history.zookeeperFailed(
          `the servers differ ${when}: ${differences.join('; ')}`,
        );
        await wipe(cluster);
        return tidy.atMs;
      }
    }
    if (tidy.afterMs > dueMs) {
      cluster.history.problem(
        `nodes do not fit within ${ms(dueMs)} ${when}: ${late(tidy.afterMs)}, ${lastProblems.join('; ')}`,
      );
    }
    return tidy.atMs;
  }

  /** It is known who takes part: they share the partitions out, and drain runs. */
  async #untilBalanced(dueMs: number, when: string): Promise<number> {
    const cluster = this.#cluster;
    let lastProblems: string[] = [];
    const balanced = await this.#until(() => {
      const problems = balanceProblems(cluster.sharers, cluster.owners);
      lastProblems = problems.length > 0 ? problems : lastProblems;
      return problems.length === 0;
    }, 'each instance to have its share');
    if (balanced.afterMs > dueMs) {
      cluster.history.problem(
        `no balance within ${ms(dueMs)} ${when}: ${late(balanced.afterMs)}, ${lastProblems.join('; ')}`,
      );
    }
    return balanced.atMs;
  }

  /**
   * Writes that ZooKeeper has lost may have been anybody's: a claim, a heartbeat, an
   * election node. From the first of them on nothing is promised (docs/safety.md).
   */
  async #checkCanary(when: string): Promise<void> {
    const cluster = this.#cluster;
    const lostSinceMs = await cluster.inspect((client) =>
      cluster.canary.lostSince(client),
    );
    if (lostSinceMs !== undefined) {
      cluster.history.zookeeperFailed(
        `acknowledged writes of the last ${ms(monotonicMs() - lostSinceMs)} are lost ${when}`,
      );
      for (const { id } of cluster.instances) {
        cluster.exempt(id, ALL_ELECTIONS, lostSinceMs);
      }
      cluster.beginLedgers(lostSinceMs);
      await wipe(cluster);
      await cluster.ensemble.untilServing();
    }
  }

  async #countNodes(when: string): Promise<void> {
    const problems = await this.#cluster.inspect((client) =>
      this.#churn.problems(this.#cluster, client),
    );
    for (const problem of problems) {
      this.#cluster.history.problem(`${problem} ${when}`);
    }
  }

  /** Time for which this machine kept us from running is nobody's fault. */
  async #until<T>(
    condition: () => T | Promise<T>,
    description: string,
    timeoutMs = this.#patienceMs,
  ): Promise<{ readonly atMs: number; readonly afterMs: number }> {
    const sinceMs = monotonicMs();
    const stalledMs = this.#stalls.totalMs;
    try {
      await waitFor(condition, { timeoutMs, description });
    } catch {
      return { atMs: Infinity, afterMs: Infinity };
    }
    const atMs = monotonicMs();
    return { atMs, afterMs: atMs - sinceMs - this.#stalls.totalMs + stalledMs };
  }
}

function late(afterMs: number): string {
  return Number.isFinite(afterMs) ? ms(afterMs) : 'never';
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}
