import type { Logger } from '@nestjs/common';
import type { TaskSchedule } from '../schedule/task-schedule.interface.js';
import type { TaskReporter } from '../task-reporter.js';

/** Counting goes no further. */
const MOST_COUNTED = 100;

/** Tells of the ticks of a task that nobody has run, of each once. */
export class MissedTicks {
  readonly #task: string;
  readonly #reporter: TaskReporter;
  readonly #logger: Logger;
  /** Not run because of a run that went on: nobody has missed them. */
  readonly #dropped = new Set<number>();
  /** Last tick that has been told of. */
  #reported = -Infinity;

  constructor(task: string, reporter: TaskReporter, logger: Logger) {
    this.#task = task;
    this.#reporter = reporter;
    this.#logger = logger;
  }

  drop(tick: number): void {
    this.#dropped.add(tick);
  }

  isDropped(tick: number): boolean {
    return this.#dropped.has(tick);
  }

  /** Ticks up to this one are of no interest any more. */
  forgetUpTo(decided: number): void {
    for (const tick of this.#dropped) {
      if (tick <= decided) {
        this.#dropped.delete(tick);
      }
    }
  }

  /** Nobody has run the ticks after `decided` up to `until`, or will. */
  passOver(schedule: TaskSchedule, decided: number, until: number): void {
    const after = Math.max(decided, this.#reported);
    if (!(until > after)) {
      return;
    }
    const missed: number[] = [];
    for (
      let tick = schedule.next(after);
      tick !== undefined && tick <= until && missed.length < MOST_COUNTED;
      tick = schedule.next(tick)
    ) {
      if (!this.#dropped.has(tick)) {
        missed.push(tick);
      }
    }
    this.#reported = until;
    const [first] = missed;
    if (first !== undefined) {
      const last = schedule.previous(until, after) ?? first;
      this.#tell(missed.length, new Date(first), new Date(last));
    }
  }

  #tell(count: number, tick: Date, lastTick: Date): void {
    this.#reporter.counts.missed += count;
    this.#reporter.emit({ type: 'missed', tick, lastTick, count });
    const which =
      count === 1
        ? `the tick ${tick.toISOString()}`
        : `${count}${count === MOST_COUNTED ? ' or more' : ''} ticks from ` +
          `${tick.toISOString()} to ${lastTick.toISOString()}`;
    this.#logger.warn(`Leader task "${this.#task}": nobody has run ${which}`);
  }
}
