import { monotonicMs } from '../clock.js';
import {
  compareBySequence,
  parseElectionNode,
  type ElectionNode,
} from './election-node.js';

/** A higher one that comes and goes must be steady before it takes over. */
const TIMES_LAST_UPTIME = 3;
const LONGEST_WAIT_MS = 60_000;

/**
 * The participants that have to make way for `own`: those right before it that it
 * outranks, the oldest first. Who stands before a participant that it does not
 * outrank is for that one to ask.
 *
 * @param ahead the nodes before `own`, the oldest first
 * @param favourite the session that the election is assigned to
 */
export function outrankedBefore(
  ahead: readonly string[],
  own: string,
  favourite?: string,
): string[] {
  const self = parsed(own);
  const last = ahead.findLastIndex(
    (name) => !outranks(self, parsed(name), favourite),
  );
  return ahead.slice(last + 1);
}

/** Whether `own` has to make way when `requester` asks for it. */
export function makesWayFor(
  own: string,
  requester: string,
  favourite?: string,
): boolean {
  const [a, b] = [parsed(own), parsed(requester)];
  return outranks(b, a, favourite) && compareBySequence(a, b) < 0;
}

/** By priority; among equals that know of it, the favourite comes first. */
function outranks(
  a: ElectionNode,
  b: ElectionNode,
  favourite: string | undefined,
): boolean {
  return (
    a.priority > b.priority ||
    (a.priority === b.priority &&
      favourite !== undefined &&
      a.session === favourite &&
      b.session !== undefined &&
      b.session !== favourite)
  );
}

/** How long an instance has been connected, and was before it lost its session. */
export class Uptime {
  readonly #nowMs: () => number;
  #beforeMs = 0;
  #connectedAtMs: number | undefined;
  #lastMs = 0;

  constructor(nowMs = monotonicMs) {
    this.#nowMs = nowMs;
  }

  connected(): void {
    this.#connectedAtMs ??= this.#nowMs();
  }

  disconnected(): void {
    this.#beforeMs = this.#ms;
    this.#connectedAtMs = undefined;
  }

  /** What it counts is over, and begins anew. */
  end(): void {
    if (this.#ms > 0) {
      this.#lastMs = this.#ms;
      this.#beforeMs = 0;
      if (this.#connectedAtMs !== undefined) {
        this.#connectedAtMs = this.#nowMs();
      }
    }
  }

  /** Milliseconds until this instance may take leadership over. */
  get waitMs(): number {
    const waitMs = Math.min(LONGEST_WAIT_MS, TIMES_LAST_UPTIME * this.#lastMs);
    return Math.max(0, waitMs - this.#ms);
  }

  get #ms(): number {
    return (
      this.#beforeMs +
      (this.#connectedAtMs === undefined
        ? 0
        : this.#nowMs() - this.#connectedAtMs)
    );
  }
}

function parsed(name: string): ElectionNode {
  return parseElectionNode(name) ?? { name, sequence: 0, priority: 0 };
}
