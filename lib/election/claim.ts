import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';
import { parseClaim, priorityOf } from './election-node.js';
import type { ElectionQueue } from './election-queue.js';
import type { ElectionReporter } from './election-reporter.js';
import type { Participant } from './leadership.interface.js';

const ASK_AGAIN_MS = 500;

export interface ClaimOptions {
  readonly queue: ElectionQueue;
  readonly reporter: ElectionReporter;
  /** The node of this instance. */
  readonly node: string;
  /** How long others may take before it is reported that they do not make way. */
  readonly patienceMs: number;
  /** It is time to pursue it again. */
  readonly onDue: () => void;
}

/**
 * Has those make way that stand before this instance and that it outranks:
 * followers first, and the leader when no other follower would come before.
 */
export class Claim {
  readonly #options: ClaimOptions;
  /** By the name of their node. */
  readonly #asked = new Map<string, Participant>();
  #askedAtMs = 0;
  /** Whether it has been reported that they do not make way. */
  #isReported = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ClaimOptions) {
    this.#options = options;
  }

  /**
   * @param lower those that have to make way, the oldest first
   * @param leader the first of the queue, if nobody else stands before us
   */
  async pursue(
    lower: readonly string[],
    leader: NodeContent | undefined,
  ): Promise<void> {
    const { queue, reporter, node, patienceMs } = this.#options;
    const forMs = performance.now() - this.#askedAtMs;
    if (this.#askedAtMs > 0 && forMs >= patienceMs) {
      this.#remind(lower, forMs);
    }
    const isAsked = (name: string): boolean =>
      leader ? parseClaim(leader.data)?.node === node : this.#asked.has(name);
    const open = lower.filter((name) => !isAsked(name));
    if (open.length === 0) {
      if (this.#askedAtMs > 0) {
        // A timer may fire a little early.
        this.dueIn(Math.max(1, patienceMs - forMs));
      }
      return;
    }
    const answers = await Promise.all(
      open.map((name) => queue.claim(name, node, leader)),
    );
    const asked = answers.filter((each) => each !== undefined);
    for (const each of asked) {
      this.#asked.set(each.node, each);
    }
    if (asked.length > 0) {
      this.#askedAtMs = performance.now();
      if (!this.#isReported) {
        reporter.claimed(asked, priorityOf(node));
      }
    }
    // Who could not be asked has written itself at that moment, or is gone.
    const isComplete = asked.length === open.length;
    this.dueIn(isComplete ? patienceMs : ASK_AGAIN_MS);
  }

  /** Has it pursued again after some time. */
  dueIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#options.onDue, ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #remind(lower: readonly string[], forMs: number): void {
    this.#askedAtMs = 0;
    if (!this.#isReported) {
      this.#isReported = true;
      const those = lower.flatMap((name) => this.#asked.get(name) ?? []);
      const { reporter, node } = this.#options;
      reporter.notHeeded(those, priorityOf(node), forMs);
    }
    // They may have overwritten the request: they are asked once more.
    this.#asked.clear();
  }
}
