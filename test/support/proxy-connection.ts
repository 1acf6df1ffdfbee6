import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { FrameDecoder, type Frame } from './frame-decoder.js';
import { FrameSplitter } from './frame-splitter.js';
import { type PipeConditions, ProxyPipe } from './proxy-pipe.js';

export interface ProxyConnectionOptions {
  id: number;
  client: Socket;
  /** With which it speaks TLS to the client. */
  certificate: { readonly key: string; readonly cert: string } | undefined;
  targetPort: number;
  toServer: PipeConditions;
  toClient: PipeConditions;
  /** Sees every packet before it is passed on. */
  onFrame: (frame: Frame, connection: ProxyConnection) => void;
  onClose: () => void;
}

/** A client's connection and the one that the proxy opened for it. */
export class ProxyConnection {
  readonly toServer: ProxyPipe;
  readonly toClient: ProxyPipe;
  private readonly client: Socket;
  /** The client's bytes, with TLS taken off. */
  private readonly plain: Socket;
  private readonly server: Socket;
  private readonly decoder: FrameDecoder;

  constructor(private readonly options: ProxyConnectionOptions) {
    const cut = () => this.cut();
    const { client, certificate } = options;
    this.client = client;
    this.plain = certificate
      ? new TLSSocket(client, { isServer: true, ...certificate })
      : client;
    this.server = connect({
      port: options.targetPort,
      host: '127.0.0.1',
      // The end of one direction is passed on in its turn, like all else.
      allowHalfOpen: true,
    });
    this.decoder = new FrameDecoder(options.id);
    this.toServer = new ProxyPipe(this.server, options.toServer, cut);
    this.toClient = new ProxyPipe(this.plain, options.toClient, cut);
    this.forward(this.plain, this.toServer, (packet) =>
      this.decoder.request(packet),
    );
    this.forward(this.server, this.toClient, (packet) =>
      this.decoder.reply(packet),
    );
  }

  /** Resets both sides, and forgets what was on its way. */
  cut(): void {
    for (const pipe of [this.toServer, this.toClient]) {
      pipe.clear();
    }
    for (const socket of [this.client, this.server]) {
      // A connection not yet made cannot be reset.
      if (socket.connecting) {
        socket.destroy();
      } else {
        socket.resetAndDestroy();
      }
    }
  }

  private forward(
    source: Socket,
    pipe: ProxyPipe,
    decode: (packet: Buffer) => Frame,
  ): void {
    const splitter = new FrameSplitter();
    source.setNoDelay();
    source.on('data', (chunk) => {
      for (const packet of splitter.push(chunk)) {
        this.observe(packet, decode);
        pipe.push(packet);
      }
    });
    source.on('end', () => pipe.push('end'));
    // A reset is passed on as one, in its turn, unless the network loses it.
    source.on('error', () => {
      const { held } =
        source === this.plain ? this.options.toServer : this.options.toClient;
      if (!held) {
        pipe.push('reset');
      }
    });
    source.on('close', () => {
      if (this.client.destroyed && this.server.destroyed) {
        this.options.onClose();
      }
    });
  }

  private observe(packet: Buffer, decode: (packet: Buffer) => Frame): void {
    let frame: Frame;
    try {
      frame = decode(packet);
    } catch {
      // Not ZooKeeper's protocol, such as a four-letter word: only passed on.
      return;
    }
    this.options.onFrame(frame, this);
  }
}
