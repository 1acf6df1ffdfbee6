import { JuteReader } from './jute-reader.js';

const LENGTH_BYTES = 4;

/**
 * Cuts a stream of bytes into frames, each with its length in front. Only a
 * frame that comes in several pieces is copied.
 */
export class FrameSplitter {
  readonly #longestFrameBytes: number;
  readonly #onFrame: (reader: JuteReader) => void;
  readonly #reader = new JuteReader();
  /** The beginning of a frame, with room for all that is known of it. */
  #partial: Buffer | undefined;
  #partialLength = 0;
  #isStopped = false;

  /**
   * @param longestFrameBytes a frame that claims to be longer is refused
   * @param onFrame is given the body of each frame; it is valid during the call
   */
  constructor(
    longestFrameBytes: number,
    onFrame: (reader: JuteReader) => void,
  ) {
    this.#longestFrameBytes = longestFrameBytes;
    this.#onFrame = onFrame;
  }

  /**
   * @throws {RangeError} on an impossible length, and whatever `onFrame` throws;
   *   the stream cannot be read any further then
   */
  push(chunk: Buffer): void {
    let at = this.#partial ? this.#complete(this.#partial, chunk) : 0;
    while (!this.#isStopped && chunk.length - at >= LENGTH_BYTES) {
      const start = at + LENGTH_BYTES;
      const end = start + this.#checked(chunk.readInt32BE(at));
      if (end > chunk.length) {
        break;
      }
      this.#onFrame(this.#reader.use(chunk, start, end));
      at = end;
    }
    if (!this.#isStopped && at < chunk.length) {
      this.#keep(chunk, at);
    }
  }

  /** No frame is reported any more, not even of the chunk in hand. */
  stop(): void {
    this.#isStopped = true;
    this.#partial = undefined;
  }

  /** Keeps what is the beginning of a frame. */
  #keep(chunk: Buffer, at: number): void {
    const length = chunk.length - at;
    const whole =
      length < LENGTH_BYTES
        ? LENGTH_BYTES
        : LENGTH_BYTES + chunk.readInt32BE(at);
    this.#partial = Buffer.allocUnsafeSlow(whole);
    this.#partialLength = chunk.copy(this.#partial, 0, at);
  }

  /** Returns how much of the chunk belongs to the frame that had begun. */
  #complete(partial: Buffer, chunk: Buffer): number {
    let frame = partial;
    let at = 0;
    if (this.#partialLength < LENGTH_BYTES) {
      at = this.#fill(frame, chunk, 0, LENGTH_BYTES);
      if (this.#partialLength < LENGTH_BYTES) {
        return at;
      }
      const length = this.#checked(frame.readInt32BE(0));
      frame = Buffer.allocUnsafeSlow(LENGTH_BYTES + length);
      partial.copy(frame, 0, 0, LENGTH_BYTES);
      this.#partial = frame;
    }
    at += this.#fill(frame, chunk, at, frame.length);
    if (this.#partialLength === frame.length) {
      this.#partial = undefined;
      this.#onFrame(this.#reader.use(frame, LENGTH_BYTES, frame.length));
    }
    return at;
  }

  /** Copies into `frame` up to `end`; returns how many bytes that were. */
  #fill(frame: Buffer, chunk: Buffer, at: number, end: number): number {
    const wanted = end - this.#partialLength;
    const copied = chunk.copy(frame, this.#partialLength, at, at + wanted);
    this.#partialLength += copied;
    return copied;
  }

  #checked(length: number): number {
    if (length < 0 || length > this.#longestFrameBytes) {
      throw new RangeError(
        `a frame of ${length} bytes; at most ${this.#longestFrameBytes} are read`,
      );
    }
    return length;
  }
}
