import type { ElectionNode } from '../election/election-node.js';

/** How long an instance that has left a queue still counts. */
const ABSENCE_MS = 500;

/**
 * Who is in the queue of an election, or has left it a moment ago: an instance that
 * hands over, or makes way, joins again at once. Meanwhile it keeps what it has.
 */
export class QueueMemory {
  #nodes: readonly ElectionNode[] = [];
  /** By session: when it was missed first. */
  #missedAtMs = new Map<string, number>();

  /** Whether somebody counts that is not in the queue. */
  get isUncertain(): boolean {
    return this.#missedAtMs.size > 0;
  }

  /**
   * The queue, and behind it those that were there before.
   *
   * @param queue as it is, the oldest first
   * @param members the sessions of the instances that there are
   */
  recall(
    queue: readonly ElectionNode[],
    members: ReadonlySet<string>,
    nowMs: number,
  ): readonly ElectionNode[] {
    const present = new Set(queue.map(({ session }) => session));
    const missedAtMs = new Map<string, number>();
    const missing = this.#nodes.filter(({ session }) => {
      if (
        session === undefined ||
        present.has(session) ||
        !members.has(session)
      ) {
        return false;
      }
      const sinceMs = this.#missedAtMs.get(session) ?? nowMs;
      const isRecent = nowMs - sinceMs < ABSENCE_MS;
      if (isRecent) {
        missedAtMs.set(session, sinceMs);
      }
      return isRecent;
    });
    this.#missedAtMs = missedAtMs;
    this.#nodes = [...queue, ...missing];
    return this.#nodes;
  }
}
