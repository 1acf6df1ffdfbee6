import type { WireClient } from '../../support/wire-client.js';
import { monotonicMs } from '../clock.js';
import type { Cluster } from '../cluster.js';
import { BASE_PATH, DEFAULT_ELECTION, ELECTIONS } from '../settings.js';
import { isBalancedRun, isRankedRun } from '../variety.js';

interface Count {
  /** Of the election's node: another one counts from the beginning. */
  readonly czxid: number;
  readonly era: number;
  readonly created: number;
  readonly reasons: number;
  /** Reasons that no node was created for yet, the oldest first. */
  readonly open: readonly Reasons[];
}

interface Reasons {
  readonly count: number;
  readonly atMs: number;
}

/** Hooks hold a node up for the drain of a term, 1 s, and one term may follow another. */
const LATEST_MS = 2_500;

/**
 * Nodes are created where there is a reason: a new session, a resignation, a
 * return, a node that somebody else has deleted. Steps of the election that get
 * into each other's way create more than that (CURATOR-644). Where a hook hangs, the
 * node that a reason stands for may come some steps later.
 *
 * In a balanced election, and beside priorities, followers queue again as well:
 * nobody counts that.
 */
export class NodeChurn {
  readonly #counts = new Map<string, Count>();

  /** To be called when everything is calm. */
  async problems(cluster: Cluster, client: WireClient): Promise<string[]> {
    const problems: string[] = [];
    const elections = isBalancedRun(cluster.settings)
      ? [DEFAULT_ELECTION]
      : isRankedRun(cluster.settings)
        ? []
        : ELECTIONS;
    for (const election of elections) {
      const before = this.#counts.get(election);
      // What comes while we look counts for the next time.
      const known = countReasons(cluster, election);
      const stat = await client.exists(`${BASE_PATH}/elections/${election}`);
      const reasons = countReasons(cluster, election);
      if (!stat) {
        this.#counts.delete(election);
        continue;
      }
      // A change is a creation or a deletion.
      const created = (stat.childrenVersion + stat.childCount) / 2;
      const { czxid } = stat;
      const { era } = cluster;
      const isSame = before?.czxid === czxid && before.era === era;
      const came = isSame ? created - before.created : 0;
      const due = isSame ? reasons - before.reasons : 0;
      const atMs = monotonicMs();
      const open = before?.open.filter((each) => atMs - each.atMs < LATEST_MS);
      const all = [...(open ?? []), { count: due, atMs }];
      this.#counts.set(election, {
        czxid,
        era,
        created,
        reasons: known,
        open: without(all, came),
      });
      if (came > all.reduce((sum, { count }) => sum + count, 0)) {
        problems.push(
          `${came} nodes were created in "${election}", for ${due} reasons`,
        );
      }
    }
    return problems;
  }
}

/** @param used how many are not open any more: the oldest */
function without(reasons: readonly Reasons[], used: number): Reasons[] {
  let rest = used;
  return reasons.flatMap(({ count, atMs }) => {
    const left = Math.max(0, count - rest);
    rest = Math.max(0, rest - count);
    return left > 0 ? [{ count: left, atMs }] : [];
  });
}

function countReasons({ slots, history }: Cluster, election: string): number {
  const sessions = new Set(
    slots.flatMap(({ links }) => links.flatMap((link) => [...link.sessions])),
  );
  return sessions.size + (history.returns.get(election) ?? 0);
}
