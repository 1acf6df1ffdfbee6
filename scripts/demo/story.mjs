// @ts-check
/**
 * What the sample application tells with `STORY=json`, see its story.ts.
 *
 * @typedef {object} StoryEvent
 * @property {number} instance counted from 1
 * @property {'leading' | 'tick' | 'tipping-over' | 'deposed'} type
 * @property {bigint} atNs by the monotonic clock
 * @property {number} [number] of the run
 * @property {number} [fencingToken]
 * @property {string} [signal]
 * @property {string} [reason]
 */

/**
 * The time in which one instance led.
 *
 * @typedef {object} Chapter
 * @property {number} instance
 * @property {number} term counted from 1
 * @property {number} fencingToken
 * @property {bigint[]} runsNs when it ran the job
 * @property {bigint} fromNs
 * @property {bigint} [endNs] when it tipped over
 * @property {number} [handOverMs] from the end of the chapter before
 */

/**
 * Two ticks of the job are a second apart. Two closer than this are one tick
 * that was run twice.
 */
const SAME_TICK_NS = 500_000_000n;

/** Who led when, from what the instances told, and whether all was well. */
export class Story {
  /** @type {Chapter[]} */
  chapters = [];
  /** @type {string[]} what should not have happened */
  problems = [];
  /** @type {StoryEvent | undefined} */
  #lastTick;

  /**
   * Events come in the order of their times.
   *
   * @param {StoryEvent} event
   */
  add(event) {
    switch (event.type) {
      case 'leading':
        this.#begin(event);
        break;
      case 'tick':
        this.#count(event);
        break;
      case 'tipping-over':
        this.#end(event);
        break;
      case 'deposed':
        break;
    }
  }

  /**
   * All problems, also those that show in the end only.
   *
   * @param {import('./arguments.mjs').DemoSettings} settings
   */
  verdict({ instances, ticks }) {
    const leaders = new Set(this.chapters.map(({ instance }) => instance));
    const problems = [...this.problems];
    if (leaders.size !== instances || this.chapters.length !== instances) {
      problems.push(
        `${leaders.size} of ${instances} instances led, in ${this.chapters.length} terms`,
      );
    }
    for (const chapter of this.chapters) {
      if (chapter.endNs === undefined) {
        problems.push(`instance ${chapter.instance} has not tipped over`);
      } else if (chapter.runsNs.length !== ticks) {
        problems.push(
          `instance ${chapter.instance} ran the job ${chapter.runsNs.length} times instead of ${ticks}`,
        );
      }
    }
    return problems;
  }

  /** @param {StoryEvent} event */
  #begin({ instance, atNs, fencingToken = NaN }) {
    const former = this.chapters.at(-1);
    const handOverMs =
      former?.endNs === undefined
        ? undefined
        : Number(atNs - former.endNs) / 1e6;
    if (former && former.endNs === undefined) {
      this.problems.push(
        `two leaders: instance ${instance} began while instance ${former.instance} led`,
      );
    }
    if (former && !(fencingToken > former.fencingToken)) {
      this.problems.push(
        `the fencing token of instance ${instance}, ${fencingToken}, is not greater than ${former.fencingToken}`,
      );
    }
    this.chapters.push({
      instance,
      term: this.chapters.length + 1,
      fencingToken,
      runsNs: [],
      fromNs: atNs,
      handOverMs,
    });
  }

  /** @param {StoryEvent} tick */
  #count(tick) {
    const leader = this.chapters.at(-1);
    const last = this.#lastTick;
    if (leader?.instance !== tick.instance || leader.endNs !== undefined) {
      this.problems.push(
        `instance ${tick.instance} ran the job without leading`,
      );
    } else {
      leader.runsNs.push(tick.atNs);
    }
    if (
      last &&
      last.instance !== tick.instance &&
      tick.atNs - last.atNs < SAME_TICK_NS
    ) {
      this.problems.push(
        `instances ${last.instance} and ${tick.instance} both ran one tick`,
      );
    }
    this.#lastTick = tick;
  }

  /** @param {StoryEvent} event */
  #end({ instance, atNs }) {
    const chapter = this.chapters.findLast((one) => one.instance === instance);
    if (chapter) {
      chapter.endNs ??= atNs;
    }
  }
}
