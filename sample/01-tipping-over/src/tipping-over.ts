import { Injectable, Logger } from '@nestjs/common';
import { tell } from './story.js';

/** Halfway to the next report: the end falls on no tick. */
const PAUSE_MS = 400;

/**
 * What should never happen to an application, for the demonstration: with
 * `TIP_OVER_AFTER=3` it ends its own process after three reports, hard, without
 * any clean-up; with `TIP_OVER_GENTLY=1` by SIGTERM, as a deployment does.
 */
@Injectable()
export class TippingOver {
  readonly #logger = new Logger(TippingOver.name);
  readonly #after = Number(process.env.TIP_OVER_AFTER ?? Infinity);
  readonly #signal = process.env.TIP_OVER_GENTLY ? 'SIGTERM' : 'SIGKILL';

  afterReport(reports: number): void {
    if (reports === this.#after) {
      setTimeout(() => this.#tipOver(), PAUSE_MS);
    }
  }

  #tipOver(): void {
    this.#logger.warn(`Tipping over by ${this.#signal}`);
    tell('tipping-over', { signal: this.#signal });
    process.kill(process.pid, this.#signal);
  }
}
