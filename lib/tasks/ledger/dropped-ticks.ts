import type { Ticks } from '../schedule/ticks.js';

interface TickRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Ticks that are not run because of a run that goes on. They are kept as ranges:
 * a run that hangs for days is in the way of many of them.
 */
export class DroppedTicks {
  #ranges: readonly TickRange[] = [];

  /** @param ticks those of the schedule, which say whether a tick was the next one */
  add(tick: number, ticks: Pick<Ticks, 'next'> | undefined): void {
    if (this.rangeOf(tick)) {
      return;
    }
    const before = this.#ranges.at(-1);
    this.#ranges =
      before && ticks?.next(before.last) === tick
        ? [...this.#ranges.slice(0, -1), { first: before.first, last: tick }]
        : [...this.#ranges, { first: tick, last: tick }];
  }

  /** Ticks up to this one have been decided. */
  forget(decided: number): void {
    this.#ranges = this.#ranges.filter(({ last }) => last > decided);
  }

  /** The range that the tick is in; undefined if it was not dropped. */
  rangeOf(tick: number): TickRange | undefined {
    return this.#ranges.find(
      ({ first, last }) => first <= tick && tick <= last,
    );
  }
}
