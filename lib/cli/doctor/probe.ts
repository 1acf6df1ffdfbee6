import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ServerAddress } from '../../zookeeper/connection-string.js';
import type { TlsParameters } from '../../zookeeper/connection/tls-options.interface.js';

/** How a server answered the question `srvr`. */
export type Answer =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'closed' | 'silent' }
  | { readonly type: 'failed'; readonly error: NodeJS.ErrnoException };

/**
 * Sends `srvr`, and reads the answer to its end. Never rejects.
 *
 * @param tls undefined: without TLS
 */
export function probe(
  server: ServerAddress,
  timeoutMs: number,
  tls: TlsParameters | undefined,
): Promise<Answer> {
  return new Promise((resolve) => {
    let text = '';
    let isConnected = false;
    let socket: Socket | undefined;
    const settle = (answer: Answer): void => {
      clearTimeout(timer);
      socket?.destroy();
      resolve(text === '' ? answer : { type: 'text', text });
    };
    const timer = setTimeout(
      () => settle(isConnected ? { type: 'silent' } : failed(timedOut())),
      timeoutMs,
    );
    try {
      socket = dial(server, tls);
    } catch (error) {
      // Keys and certificates that cannot be used.
      settle(failed(error as Error));
      return;
    }
    socket.setEncoding('latin1');
    socket.on(tls ? 'secureConnect' : 'connect', () => {
      isConnected = true;
      // With a byte more, which ZooKeeper ignores, it is long enough for TLS to refuse.
      socket?.write('srvr\n');
    });
    socket.on('data', (chunk: string) => {
      text += chunk.slice(0, 4_096 - text.length);
    });
    socket.on('error', (error) =>
      // A server that demands a certificate says so after the handshake.
      settle(isConnected && !tls ? { type: 'closed' } : failed(error)),
    );
    socket.on('close', () => settle({ type: 'closed' }));
  });
}

/** Whether a server answers a TLS handshake, whatever its certificate. */
export function speaksTls(
  { host, port }: ServerAddress,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false });
    const settle = (isTls: boolean): void => {
      socket.destroy();
      resolve(isTls);
    };
    socket.setTimeout(timeoutMs, () => settle(false));
    socket.on('secureConnect', () => settle(true));
    // A server that demands a certificate refuses with an alert: that is TLS, too.
    socket.on('error', ({ code }: NodeJS.ErrnoException) =>
      settle(/ALERT|HANDSHAKE_FAILURE/.test(code ?? '')),
    );
    socket.on('end', () => settle(false));
  });
}

function dial(
  { host, port }: ServerAddress,
  tls: TlsParameters | undefined,
): Socket {
  return tls
    ? connectTls({
        host,
        port,
        // A server name must not be an IP address.
        ...(isIP(host) ? {} : { servername: host }),
        ...tls,
      })
    : connect({ host, port });
}

function failed(error: NodeJS.ErrnoException): Answer {
  return { type: 'failed', error };
}

function timedOut(): Error {
  return Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' });
}
