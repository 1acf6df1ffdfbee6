import { LineSplitter } from '../channel/line-splitter.js';
import {
  decode,
  encode,
  isFromGuardian,
  SIGN,
  type FromGuardian,
  type ToGuardian,
} from '../channel/protocol.js';
import type { GuardianLink, LinkEnd } from './guardian-link.js';

export interface GuardianChannelHandlers {
  onMessage(message: FromGuardian): void;
  /** The guardian has shown that it works. */
  onAnswer(): void;
  onEnd(end: LinkEnd): void;
}

/** The application's end of the channel to one guardian. */
export class GuardianChannel {
  readonly #link: GuardianLink;
  #isOver = false;

  constructor(link: GuardianLink, handlers: GuardianChannelHandlers) {
    this.#link = link;
    const lines = new LineSplitter((line) => {
      handlers.onAnswer();
      if (line !== SIGN) {
        const message = decode(line);
        if (isFromGuardian(message)) {
          handlers.onMessage(message);
        }
      }
    });
    link.stream.setEncoding('utf8').on('data', (text: string) => {
      if (this.#isOver) {
        return;
      }
      try {
        lines.push(text);
      } catch {
        link.stream.destroy();
      }
    });
    link.onEnd = (end) => {
      if (!this.#isOver) {
        this.#isOver = true;
        handlers.onEnd(end);
      }
    };
  }

  send(message: ToGuardian): void {
    if (this.#link.stream.writable) {
      this.#link.stream.write(encode(message));
    }
  }

  /**
   * Never queued: a guardian that does not read would find signs that are long
   * past when it wakes up, and memory would fill until then.
   */
  signOfLife(): void {
    const { stream } = this.#link;
    if (stream.writable && stream.writableLength === 0) {
      stream.write(`${SIGN}\n`);
    }
  }

  /** Whether a guardian process of this application still runs. */
  isRunning(): boolean {
    return !this.#isOver && this.#link.isRunning();
  }

  /** Ends the guardian, whatever it is doing. Its end is not reported. */
  destroy(): void {
    this.#isOver = true;
    this.#link.destroy();
  }
}
