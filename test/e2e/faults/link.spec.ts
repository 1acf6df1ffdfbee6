import { once } from 'node:events';
import {
  connect,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Link } from '../../faults/link.js';
import { waitFor } from '../../support/wait-for.js';

const SESSION_ID = '100004689b50003';

/** What a server answers to whoever begins a session. */
function grant(): Buffer {
  const bytes = Buffer.alloc(41);
  bytes.writeInt32BE(37, 0);
  bytes.writeInt32BE(2_000, 8);
  bytes.writeBigUInt64BE(BigInt(`0x${SESSION_ID}`), 12);
  bytes.writeInt32BE(16, 20);
  return bytes;
}

describe('Link', () => {
  let server: Server;
  let accepted: Socket | undefined;
  let link: Link;
  let client: Socket;

  beforeEach(async () => {
    accepted = undefined;
    server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted = socket.on('error', () => undefined);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    link = await Link.open((server.address() as AddressInfo).port);
    client = connect({ port: link.port, host: '127.0.0.1' });
    client.on('error', () => undefined).write('begin');
    const socket = await waitFor(() => accepted, {
      description: 'the connection',
    });
    await once(socket, 'data');
  });

  afterEach(() => {
    client.destroy();
    link.close();
    accepted?.destroy();
    server.close();
  });

  test('knows the session that a server has granted', async () => {
    accepted?.write(grant());
    await waitFor(() => link.granted, { description: 'the session' });
    expect(link.granted?.sessionId).toBe(SESSION_ID);
  });

  test('does not count a session that was granted to somebody who had left', async () => {
    const hasLeft = once(accepted as Socket, 'end');
    client.end();
    await hasLeft;
    accepted?.end(grant());
    await waitFor(() => link.openConnections === 0, {
      description: 'the connection to end',
    });
    expect(link.granted).toBeUndefined();
    expect(link.sessions.size).toBe(0);
  });
});
