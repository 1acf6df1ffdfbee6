const TWO_TO_32 = 4_294_967_296;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Reads Jute from a part of a buffer, without copying it.
 *
 * @throws {RangeError} where the frame ends early, or a length is impossible
 */
export class JuteReader {
  #buffer: Buffer = NOTHING;
  #at = 0;
  #end = 0;

  /** @param buffer what {@link use} would be called with */
  constructor(buffer = NOTHING) {
    this.use(buffer, 0, buffer.length);
  }

  /** Reads `buffer` from `start` to `end` from now on. */
  use(buffer: Buffer, start: number, end: number): this {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    return this;
  }

  /** Number of bytes that have not been read. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  int(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }

  bool(): boolean {
    return this.#buffer[this.#take(1)] !== 0;
  }

  /** A 64-bit number; refused where JavaScript would have to round it. */
  long(): number {
    const at = this.#take(8);
    const value =
      this.#buffer.readInt32BE(at) * TWO_TO_32 +
      this.#buffer.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) {
      const exact = this.#buffer.readBigInt64BE(at);
      throw new RangeError(
        `the number ${exact} is beyond 2^53, where JavaScript would round it`,
      );
    }
    return value;
  }

  /** A 64-bit number in hexadecimal without leading zeros. */
  hexLong(): string {
    const at = this.#take(8);
    const high = this.#buffer.readUInt32BE(at);
    const low = this.#buffer.readUInt32BE(at + 4);
    return high === 0
      ? low.toString(16)
      : high.toString(16) + low.toString(16).padStart(8, '0');
  }

  /** A view of bytes with their length in front; copy what you keep. */
  buffer(): Buffer | null {
    const length = this.int();
    return length < 0 ? null : this.raw(length);
  }

  /** A view of the next bytes. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  /** A string; null reads as empty. */
  text(): string {
    const length = this.int();
    if (length <= 0) {
      return '';
    }
    const at = this.#take(length);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /**
   * @param read reads one item
   * @param leastBytes the length of the shortest item; bounds how many there are
   */
  list<T>(read: (reader: this) => T, leastBytes: number): T[] {
    const length = this.int();
    if (length * leastBytes > this.remaining) {
      throw new RangeError(
        `a list of ${length} items in ${this.remaining} bytes`,
      );
    }
    const items: T[] = [];
    for (let index = 0; index < length; index++) {
      items.push(read(this));
    }
    return items;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) {
      throw new RangeError(
        `the frame ends ${length - (this.#end - at)} bytes early`,
      );
    }
    this.#at = at + length;
    return at;
  }
}
