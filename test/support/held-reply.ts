import type { Frame } from './frame-decoder.js';
import type { ProxyConnection } from './proxy-connection.js';

/** A reply that a proxy keeps from the client. */
export class HeldReply {
  /** Resolves with the reply when it has come: the operation is done. */
  readonly arrived: Promise<Frame>;
  private resolveArrived!: (reply: Frame) => void;
  private request: Frame | undefined;
  private connection: ProxyConnection | undefined;

  constructor(
    private readonly opcode: string,
    private readonly path: string | undefined,
    private readonly onArrived: () => void,
  ) {
    this.arrived = new Promise((resolve) => {
      this.resolveArrived = resolve;
    });
  }

  /** Called for every packet, before it is passed on. */
  observe(frame: Frame, connection: ProxyConnection): void {
    if (
      frame.kind === 'request' &&
      frame.opcode === this.opcode &&
      frame.path === (this.path ?? frame.path)
    ) {
      this.request ??= frame;
    } else if (
      frame.kind === 'reply' &&
      frame.connection === this.request?.connection &&
      frame.xid === this.request.xid
    ) {
      this.connection = connection;
      // From here on: replies never overtake each other.
      connection.toClient.holdNext();
      this.onArrived();
      this.resolveArrived(frame);
    }
  }

  /** Hands the reply over, late. */
  release(): void {
    this.connection?.toClient.lift('deliver');
  }

  /** Loses the reply only; what came after it goes on. */
  swallow(): void {
    this.connection?.toClient.lift('lose');
  }
}
