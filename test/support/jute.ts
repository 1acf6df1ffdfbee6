/**
 * Jute, ZooKeeper's serialization: big-endian numbers, and strings and buffers
 * with a length in front (-1 for null).
 */
export class JuteWriter {
  private readonly parts: Buffer[] = [];

  int(value: number): this {
    const buffer = Buffer.alloc(4);
    buffer.writeInt32BE(value);
    return this.push(buffer);
  }

  long(value: bigint): this {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64BE(BigInt.asUintN(64, value));
    return this.push(buffer);
  }

  bool(value: boolean): this {
    return this.push(Buffer.of(value ? 1 : 0));
  }

  buffer(value: Buffer): this {
    return this.int(value.length).push(value);
  }

  string(value: string): this {
    return this.buffer(Buffer.from(value));
  }

  append(other: JuteWriter): this {
    return this.push(other.bytes());
  }

  /** The bytes with their length in front, as they are sent. */
  frame(): Buffer {
    const body = Buffer.concat(this.parts);
    return Buffer.concat([new JuteWriter().int(body.length).bytes(), body]);
  }

  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  private push(part: Buffer): this {
    this.parts.push(part);
    return this;
  }
}

export class JuteReader {
  private offset = 0;

  constructor(private readonly bytes: Buffer) {}

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  int(): number {
    const value = this.bytes.readInt32BE(this.offset);
    this.offset += 4;
    return value;
  }

  long(): bigint {
    const value = this.bytes.readBigInt64BE(this.offset);
    this.offset += 8;
    return value;
  }

  /** A zxid or a time: exact as a number until epoch 2^21. */
  number(): number {
    return Number(this.long());
  }

  /** A session id, as people and the server's own logs write it. */
  hex(): string {
    return BigInt.asUintN(64, this.long()).toString(16);
  }

  bool(): boolean {
    const value = this.bytes[this.offset] !== 0;
    this.offset += 1;
    return value;
  }

  buffer(): Buffer {
    const length = this.int();
    const start = this.offset;
    this.offset += Math.max(0, length);
    return this.bytes.subarray(start, this.offset);
  }

  string(): string {
    return this.buffer().toString();
  }

  vector<T>(read: () => T): T[] {
    const length = Math.max(0, this.int());
    return Array.from({ length }, read);
  }
}
