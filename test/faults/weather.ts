import type { PipeConditions } from '../support/proxy-pipe.js';

export interface Weather {
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Share of the segments that are lost, and come when TCP sends them again. */
  readonly lossRate: number;
}

export const FAIR: Weather = { delayMs: 0, jitterMs: 0, lossRate: 0 };
/** What Linux waits at least before it sends a segment again; doubled each time. */
const RETRANSMISSION_MS = 200;

/** How one direction of a link is at the moment; all its connections share it. */
export class Conditions implements PipeConditions {
  held = false;
  readonly dropping = false;
  weather = FAIR;

  /** Drawn anew for every segment; a late one holds up those behind it. */
  get delayMs(): number {
    const { delayMs, jitterMs, lossRate } = this.weather;
    let total = delayMs + Math.random() * jitterMs;
    for (
      let pauseMs = RETRANSMISSION_MS;
      Math.random() < lossRate;
      pauseMs *= 2
    ) {
      total += pauseMs;
    }
    return total;
  }
}
