import type { Socket } from 'node:net';
// Not the global ones, which jest may have faked.
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

/** How the network treats one direction. Shared by all connections. */
export interface PipeConditions {
  held: boolean;
  dropping: boolean;
  delayMs: number;
}

/** What is on its way: bytes, the end of the stream, or a reset. */
type Content = Buffer | 'end' | 'reset';

interface Parcel {
  content: Content;
  dueAt: number;
  /** Nothing passes it until it is lifted. */
  barrier: boolean;
}

/**
 * One direction of one connection: what comes in leaves in the same order, when
 * the conditions allow it.
 */
export class ProxyPipe {
  /** Bytes that may still leave before the connection is cut. */
  bytesLeft = Infinity;

  private readonly queue: Parcel[] = [];
  private barrierAhead = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly target: Socket,
    private readonly conditions: PipeConditions,
    private readonly cut: () => void,
  ) {}

  push(content: Content): void {
    // A lost end of stream is lost, too: the other side does not notice.
    if (!this.conditions.dropping) {
      const dueAt = performance.now() + this.conditions.delayMs;
      this.queue.push({ content, dueAt, barrier: this.barrierAhead });
      this.barrierAhead = false;
      this.flush();
    }
  }

  /**
   * Lets out what may leave now, in one piece. To be called when the conditions
   * change.
   */
  flush(): void {
    clearTimeout(this.timer);
    this.target.cork();
    this.writeDue();
    this.target.uncork();
  }

  private writeDue(): void {
    for (let parcel = this.queue[0]; parcel; parcel = this.queue[0]) {
      if (parcel.barrier || this.conditions.held) {
        return;
      }
      const waitMs = parcel.dueAt - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.flush(), waitMs);
        return;
      }
      this.queue.shift();
      this.write(parcel.content);
    }
  }

  /** Holds back what comes next, and all that follows it. */
  holdNext(): void {
    this.barrierAhead = true;
  }

  /** Lets the first that was held back go on, or loses it. */
  lift(fate: 'deliver' | 'lose'): void {
    const index = this.queue.findIndex(({ barrier }) => barrier);
    const parcel = this.queue[index];
    if (parcel) {
      parcel.barrier = false;
      this.queue.splice(index, fate === 'lose' ? 1 : 0);
      this.flush();
    }
  }

  /** Whether nothing is on its way. */
  get isIdle(): boolean {
    return this.queue.length === 0;
  }

  /** Forgets what waits. */
  clear(): void {
    clearTimeout(this.timer);
    this.queue.length = 0;
  }

  private write(content: Content): void {
    if (content === 'end') {
      this.target.end();
      return;
    }
    if (content === 'reset') {
      // Not before what was sent before it.
      this.target.uncork();
      this.cut();
      return;
    }
    const passed = content.subarray(0, this.bytesLeft);
    this.bytesLeft -= passed.length;
    // The reset must not overtake the bytes that are still let through.
    const last = this.bytesLeft === 0;
    this.target.write(passed, last ? () => this.cut() : undefined);
  }
}
