/** A length that no ZooKeeper packet has: a four-letter word, or TLS. */
const IMPLAUSIBLE_LENGTH = 64 * 1024 * 1024;

/**
 * Cuts a byte stream into ZooKeeper's packets, each with the four bytes of its
 * length in front. What cannot be a packet is passed on as it comes.
 */
export class FrameSplitter {
  private rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const frames: Buffer[] = [];
    while (this.rest.length >= 4) {
      const length = this.rest.readUInt32BE();
      const end = length > IMPLAUSIBLE_LENGTH ? this.rest.length : length + 4;
      if (this.rest.length < end) {
        break;
      }
      frames.push(this.rest.subarray(0, end));
      this.rest = this.rest.subarray(end);
    }
    return frames;
  }
}
