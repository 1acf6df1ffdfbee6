import { monotonicMs } from './clock.js';

/** What lasts is logged again after this time. */
const REPEAT_MS = 5 * 60_000;

/** A problem, from when it is noticed to when it is over. */
export interface ProblemSpell {
  readonly text: string;
  readonly since: Date;
}

/**
 * Says when a problem that is noticed again and again is worth a log line: when
 * it begins or changes, and every five minutes while it lasts.
 */
export class LastingProblem {
  readonly #nowMs: () => number;
  #spell: ProblemSpell | undefined;
  #toldAtMs = 0;

  constructor(nowMs = monotonicMs) {
    this.#nowMs = nowMs;
  }

  /** Undefined while nothing is wrong. */
  get spell(): ProblemSpell | undefined {
    return this.#spell;
  }

  /**
   * Notes that the problem is there. Returns its beginning if it has to be told:
   * `isNew` for the first time. Undefined if it is known.
   */
  note(text: string): { isNew: boolean; since: Date } | undefined {
    const known = this.#spell;
    if (known?.text === text && this.#nowMs() - this.#toldAtMs < REPEAT_MS) {
      return undefined;
    }
    this.#toldAtMs = this.#nowMs();
    const since = known?.since ?? new Date();
    this.#spell = { text, since };
    return { isNew: known?.text !== text, since };
  }

  /** It is over. Returns what it was; undefined if there was none. */
  end(): ProblemSpell | undefined {
    const ended = this.#spell;
    this.#spell = undefined;
    return ended;
  }
}
