import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { encode } from '../../../lib/guardian/channel/protocol.js';
import { GuardianHost } from '../../../lib/guardian/host/guardian-host.js';
import {
  abstractAddress,
  toSocketPath,
} from '../../../lib/guardian/socket-address.js';
import { waitFor } from '../../support/wait-for.js';

const T = 400;

describe('a guardian of several applications that cannot see their processes', () => {
  const address = abstractAddress();
  let notices: string[];
  let host: GuardianHost;
  /** A server that takes connections and answers nothing, like a paused one. */
  const paused = createServer((socket) => connections.push(socket));
  let connections: Socket[] = [];

  beforeEach(async () => {
    notices = [];
    connections = [];
    paused.listen(0, '127.0.0.1');
    await once(paused, 'listening');
    host = new GuardianHost({ onNotice: (text) => notices.push(text) });
    await host.listen(address);
  });

  afterEach(() => {
    host.close();
    paused.close();
    connections.forEach((socket) => socket.destroy());
  });

  /** Asks it to guard the session; resolves to the connection and the answer. */
  const ask = async (): Promise<[Socket, Record<string, unknown>]> => {
    const { port } = paused.address() as AddressInfo;
    const socket = connect(toSocketPath(address));
    socket.write(
      encode({
        type: 'hello',
        version: 1,
        application: { pid: 1, startTime: undefined, namespace: undefined },
      }),
    );
    socket.write(
      encode({
        type: 'guard',
        number: 1,
        maxStallMs: 3 * T,
        session: {
          servers: [{ host: '127.0.0.1', port }],
          server: { host: '127.0.0.1', address: '127.0.0.1', port },
          sessionId: '1a2b',
          password: Buffer.alloc(16),
          sessionTimeoutMs: T,
          security: { auth: [] },
        },
      }),
    );
    for await (const line of createInterface({ input: socket })) {
      const answer = JSON.parse(line) as Record<string, unknown>;
      if (answer.number === 1) {
        return [socket, answer];
      }
    }
    throw new Error('no answer');
  };

  it('takes back an application within the grace', async () => {
    const [first] = await ask();
    first.destroy();
    const [second, answer] = await ask();
    expect(answer).toMatchObject({ type: 'done' });
    second.destroy();
  });

  it('refuses a session from the moment at which it begins to close it, even if no server answers', async () => {
    const [first, accepted] = await ask();
    expect(accepted).toMatchObject({ type: 'done' });
    first.destroy();
    await waitFor(() => connections.length > 0);
    const [second, refused] = await ask();
    expect(refused).toMatchObject({
      type: 'refused',
      reason: 'the guardian is closing this session',
    });
    second.destroy();
    await waitFor(() => notices.length > 0);
    expect(notices[0]).toMatch(/^Could not reach ZooKeeper/);
    const [third, again] = await ask();
    expect(again).toMatchObject({ type: 'refused' });
    third.destroy();
  });
});
