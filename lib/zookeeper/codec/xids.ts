/** Request numbers that are no request's own. */
export const XIDS = {
  /** A watch has fired: nobody asked. */
  event: -1,
  ping: -2,
  auth: -4,
  setWatches: -8,
} as const;

/** 2^31 - 1 itself is what ClickHouse Keeper closes a session with. */
const LAST_XID = 2 ** 31 - 2;

/** The numbers of requests: from 1 up to the largest one, and again from 1. */
export class Xids {
  #last: number;

  constructor(last = 0) {
    this.#last = last;
  }

  next(): number {
    this.#last = this.#last >= LAST_XID ? 1 : this.#last + 1;
    return this.#last;
  }
}
