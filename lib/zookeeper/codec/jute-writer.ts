const FIRST_CAPACITY = 8 * 1024;
/** A buffer that one large turn has made longer than this is not kept. */
const LONGEST_KEPT_CAPACITY = 256 * 1024;
const TWO_TO_32 = 4_294_967_296;
/** UTF-8 takes at most so many bytes per UTF-16 unit. */
const UTF8_BYTES_PER_UNIT = 3;

/**
 * Writes Jute, ZooKeeper's serialization, into one growing buffer: all frames of
 * a turn of the event loop leave in one piece.
 */
export class JuteWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #length = 0;
  #frameStart = 0;

  /** Number of bytes written since the last {@link clear} or {@link give}. */
  get length(): number {
    return this.#length;
  }

  /** What has been written: a view, valid until the next write. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Forgets what has been written; the buffer is used again. */
  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > LONGEST_KEPT_CAPACITY) {
      this.#buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
    }
  }

  /** Returns what has been written and gives the buffer away with it. */
  give(): Buffer {
    const { bytes } = this;
    this.#buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
    this.#length = 0;
    return bytes;
  }

  /** Begins a frame; {@link end} fills its length in. */
  begin(): this {
    this.#frameStart = this.#length;
    return this.int(0);
  }

  end(): this {
    const start = this.#frameStart;
    this.#buffer.writeInt32BE(this.#length - start - 4, start);
    return this;
  }

  int(value: number): this {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
    return this;
  }

  bool(value: boolean): this {
    const at = this.#reserve(1);
    this.#buffer[at] = value ? 1 : 0;
    return this;
  }

  /** A 64-bit number that is exact in JavaScript. */
  long(value: number): this {
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`${value} is not an exact whole number`);
    }
    const at = this.#reserve(8);
    this.#buffer.writeInt32BE(Math.floor(value / TWO_TO_32), at);
    this.#buffer.writeUInt32BE(value >>> 0, at + 4);
    return this;
  }

  /** A 64-bit number in hexadecimal, such as a session id. */
  hexLong(value: string): this {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64BE(BigInt(`0x${value}`), at);
    return this;
  }

  /** Bytes with their length in front. Null is not the same as empty. */
  buffer(value: Uint8Array | string | null): this {
    if (typeof value === 'string') {
      return this.text(value);
    }
    if (value === null) {
      return this.int(-1);
    }
    this.int(value.length);
    return this.raw(value);
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  text(value: string): this {
    const at = this.#reserve(4 + UTF8_BYTES_PER_UNIT * value.length);
    const length = this.#buffer.write(value, at + 4, 'utf8');
    this.#buffer.writeInt32BE(length, at);
    this.#length = at + 4 + length;
    return this;
  }

  list<T>(items: readonly T[], write: (writer: this, item: T) => void): this {
    this.int(items.length);
    for (const item of items) {
      write(this, item);
    }
    return this;
  }

  /** Makes room for `length` bytes and returns where they begin. */
  #reserve(length: number): number {
    const at = this.#length;
    const end = at + length;
    if (end > this.#buffer.length) {
      const capacity = Math.max(end, 2 * this.#buffer.length);
      const larger = Buffer.allocUnsafeSlow(capacity);
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = end;
    return at;
  }
}
