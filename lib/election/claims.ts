import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';
import { parseClaim, priorityOf } from './election-node.js';
import type { ElectionQueue } from './election-queue.js';
import type { ElectionReporter } from './election-reporter.js';
import type { Leadership, Participant } from './leadership.interface.js';
import { makesWayFor, outrankedBefore, Uptime } from './precedence.js';

/** In session timeouts: who has not made way then is reported. */
const CLAIM_PATIENCE = 3;
const ASK_AGAIN_MS = 500;

export interface ClaimsOptions {
  readonly queue: ElectionQueue;
  readonly reporter: ElectionReporter;
  readonly sessionTimeoutMs: () => number;
  /** It is time to pursue them again. */
  readonly onDue: () => void;
}

/** What has been asked for with one entry. */
interface Asking {
  /** By the name of their node. */
  readonly asked: Map<string, Participant>;
  askedAtMs: number;
  /** Whether it has been reported that they do not make way. */
  isReported: boolean;
}

/**
 * What the participants of an election ask of each other: to make way. This
 * instance asks those that stand before it and that it outranks: followers first,
 * and the leader when no other follower would come before.
 */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly uptime = new Uptime();
  #asking: Asking | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The session that the election is assigned to. */
  favourite: string | undefined;

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** Has those make way that we outrank, if we are steady enough to lead. */
  async pursue(
    node: string,
    ahead: readonly string[],
    predecessor: NodeContent,
  ): Promise<void> {
    const outranked = outrankedBefore(ahead, node, this.favourite);
    const { waitMs } = this.uptime;
    if (outranked.length === 0) {
      this.end();
    } else if (waitMs > 0) {
      this.#dueIn(waitMs);
    } else if (ahead.length === 1) {
      await this.#ask(node, outranked, predecessor);
    } else {
      const followers = outranked.filter((name) => name !== ahead[0]);
      await this.#ask(node, followers, undefined);
    }
  }

  /**
   * The participant that has asked for our place and is to have it; undefined if
   * there is none any more.
   *
   * @param data of our node
   */
  async claimant(
    node: string,
    data: string,
    current: Leadership,
  ): Promise<Participant | undefined> {
    const claim = parseClaim(data);
    // A follower may have been asked that leads by now: it is asked once more.
    const isForTerm =
      current.role !== 'leader' ||
      claim?.leaderSince === current.term.since.toISOString();
    return claim && isForTerm && makesWayFor(node, claim.node, this.favourite)
      ? this.#options.queue.participant(claim.node)
      : undefined;
  }

  /** Reports that we make way, and says why we do. */
  concede(node: string, claimant: Participant): 'outranked' | 'unassigned' {
    const own = priorityOf(node);
    this.#options.reporter.outranked(claimant, own);
    return (claimant.priority ?? 0) > own ? 'outranked' : 'unassigned';
  }

  /** Asks nobody any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#asking = undefined;
  }

  /**
   * @param lower those that have to make way, the oldest first
   * @param leader the first of the queue, if nobody else stands before us
   */
  async #ask(
    node: string,
    lower: readonly string[],
    leader: NodeContent | undefined,
  ): Promise<void> {
    const { queue, reporter, sessionTimeoutMs } = this.#options;
    const asking = (this.#asking ??= {
      asked: new Map(),
      askedAtMs: 0,
      isReported: false,
    });
    const patienceMs = CLAIM_PATIENCE * sessionTimeoutMs();
    const forMs = performance.now() - asking.askedAtMs;
    if (asking.askedAtMs > 0 && forMs >= patienceMs) {
      this.#remind(asking, node, lower, forMs);
    }
    const isAsked = (name: string): boolean =>
      leader ? parseClaim(leader.data)?.node === node : asking.asked.has(name);
    const open = lower.filter((name) => !isAsked(name));
    if (open.length === 0) {
      if (asking.askedAtMs > 0) {
        // A timer may fire a little early.
        this.#dueIn(Math.max(1, patienceMs - forMs));
      }
      return;
    }
    const answers = await Promise.all(
      open.map((name) => queue.claim(name, node, leader)),
    );
    const asked = answers.filter((each) => each !== undefined);
    for (const each of asked) {
      asking.asked.set(each.node, each);
    }
    if (asked.length > 0) {
      asking.askedAtMs = performance.now();
      if (!asking.isReported) {
        reporter.claimed(asked, priorityOf(node));
      }
    }
    // Who could not be asked has written itself at that moment, or is gone.
    const isComplete = asked.length === open.length;
    this.#dueIn(isComplete ? patienceMs : ASK_AGAIN_MS);
  }

  #remind(
    asking: Asking,
    node: string,
    lower: readonly string[],
    forMs: number,
  ): void {
    asking.askedAtMs = 0;
    if (!asking.isReported) {
      asking.isReported = true;
      const those = lower.flatMap((name) => asking.asked.get(name) ?? []);
      this.#options.reporter.notHeeded(those, priorityOf(node), forMs);
    }
    // They may have overwritten the request: they are asked once more.
    asking.asked.clear();
  }

  #dueIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#options.onDue, ms);
  }
}
