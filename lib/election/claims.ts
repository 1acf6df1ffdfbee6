import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';
import { Claim, type ClaimOptions } from './claim.js';
import { parseClaim, priorityOf } from './election-node.js';
import type { Leadership, Participant } from './leadership.interface.js';
import { makesWayFor, outrankedBefore, type Uptime } from './precedence.js';

/** In session timeouts: who has not made way then is reported. */
const CLAIM_PATIENCE = 3;

export interface ClaimsOptions extends Pick<
  ClaimOptions,
  'queue' | 'reporter' | 'onDue'
> {
  readonly uptime: Uptime;
  readonly sessionTimeoutMs: () => number;
}

/** What the participants of an election ask of each other: to make way. */
export class Claims {
  readonly #options: ClaimsOptions;
  /** On what those have that we outrank and that stand before us. */
  #own: Claim | undefined;
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
    if (outranked.length === 0) {
      this.end();
      return;
    }
    const { queue, reporter, onDue, uptime, sessionTimeoutMs } = this.#options;
    this.#own ??= new Claim({
      node,
      queue,
      reporter,
      patienceMs: CLAIM_PATIENCE * sessionTimeoutMs(),
      onDue,
    });
    const { waitMs } = uptime;
    if (waitMs > 0) {
      this.#own.dueIn(waitMs);
    } else if (ahead.length === 1) {
      await this.#own.pursue(outranked, predecessor);
    } else {
      const followers = outranked.filter((name) => name !== ahead[0]);
      await this.#own.pursue(followers, undefined);
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
    this.#own?.end();
    this.#own = undefined;
  }
}
