/**
 * Jute, ZooKeeper's serialization, as far as it is needed here: big-endian
 * numbers, and strings and buffers with their length in front.
 */
export class JuteWriter {
  readonly #parts: Buffer[] = [];

  int(value: number): this {
    const buffer = Buffer.alloc(4);
    buffer.writeInt32BE(value);
    return this.#push(buffer);
  }

  long(value: bigint): this {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64BE(value);
    return this.#push(buffer);
  }

  buffer(value: Buffer): this {
    return this.int(value.length).#push(value);
  }

  string(value: string): this {
    return this.buffer(Buffer.from(value));
  }

  append(other: JuteWriter): this {
    return this.#push(Buffer.concat(other.#parts));
  }

  /** The bytes with their length in front, as they are sent. */
  frame(): Buffer {
    const body = Buffer.concat(this.#parts);
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length);
    return Buffer.concat([length, body]);
  }

  #push(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
}

/** Reads what a server has sent. Throws a `RangeError` where that ends early. */
export class JuteReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int(): number {
    const value = this.#bytes.readInt32BE(this.#offset);
    this.#offset += 4;
    return value;
  }

  /** A transaction id; exact as a number until epoch 2^21. */
  long(): number {
    const value = this.#bytes.readBigInt64BE(this.#offset);
    this.#offset += 8;
    return Number(value);
  }

  string(): string {
    const length = Math.max(0, this.int());
    const end = this.#offset + length;
    if (end > this.#bytes.length) {
      throw new RangeError('the message ends within a text');
    }
    const text = this.#bytes.toString('utf8', this.#offset, end);
    this.#offset = end;
    return text;
  }
}
