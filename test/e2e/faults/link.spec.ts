import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import {
  connect,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Link, type CloseRequest } from '../../faults/link.js';
import { setUpSecurity } from '../../faults/security.js';
import { socketOwner } from '../../faults/socket-owner.js';
import { waitFor } from '../../support/wait-for.js';

const SESSION_ID = '100004689b50003';

/** What a server answers to a client that begins a session. */
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
  let closes: CloseRequest[];

  beforeEach(async () => {
    accepted = undefined;
    server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted = socket.on('error', () => undefined);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    link = await Link.open((server.address() as AddressInfo).port);
    closes = [];
    link.onGrant = () => undefined;
    link.onClose = (close) => closes.push(close);
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

  test('knows who asks a server to end which session', async () => {
    accepted?.write(grant());
    await waitFor(() => link.granted, { description: 'the session' });
    // An xid, and the operation that ends a session.
    const request = Buffer.alloc(12);
    request.writeInt32BE(8, 0);
    request.writeInt32BE(1, 4);
    request.writeInt32BE(-11, 8);
    client.write(request.subarray(0, 7));
    client.write(request.subarray(7));
    await waitFor(() => closes.length > 0, { description: 'the request' });
    const [close] = closes;
    expect(close).toMatchObject({
      sessionId: SESSION_ID,
      port: client.localPort,
    });
    const owner = socketOwner(close?.port ?? 0, link.port, [1, process.pid]);
    expect(owner).toBe(existsSync('/proc/net/tcp') ? process.pid : undefined);
  });

  test('delays or loses an answer of new connections, and lets the others pass', async () => {
    const answer = (text: string): Buffer =>
      Buffer.concat([Buffer.of(0, 0, 0, text.length), Buffer.from(text)]);
    link.answerTrouble = { position: 1, delayMs: 'lost' };
    const received: string[] = [];
    const second = connect({ port: link.port, host: '127.0.0.1' });
    second.on('data', (bytes: Buffer) => received.push(bytes.toString()));
    const first = accepted;
    await waitFor(() => accepted !== first, { description: 'the connection' });
    for (const text of ['one', 'two', 'three']) {
      accepted?.write(answer(text));
    }
    await waitFor(() => received.join('').includes('three'), {
      description: 'the third answer',
    });
    expect(received.join('')).toBe([answer('one'), answer('three')].join(''));
    second.destroy();
  });

  test('speaks TLS to clients, and can be cut and reset all the same', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'link-'));
    const setup = await setUpSecurity('tls', directory);
    const { options, certificate } = setup.of(0);
    const { ca } = (options as { tls: { ca: string } }).tls;
    const secure = await Link.open(link.targetPort, certificate);
    secure.onGrant = () => undefined;
    const second = tls.connect({
      port: secure.port,
      host: '127.0.0.1',
      ca: await readFile(ca),
    });
    const first = accepted;
    second.on('error', () => undefined).write('begin');
    await waitFor(() => accepted !== first, { description: 'the connection' });
    let text = '';
    second.setEncoding('utf8').on('data', (each: string) => {
      text += each;
    });
    accepted?.write(grant());
    await waitFor(() => secure.granted, { description: 'the session' });
    expect(second.authorized).toBe(true);

    secure.cut();
    accepted?.write('text');
    secure.mend();
    await waitFor(() => text.endsWith('text'), { description: 'the text' });
    secure.reset();
    await waitFor(() => second.destroyed, { description: 'the reset' });
    await waitFor(() => secure.openConnections === 0, {
      description: 'the connection to end',
    });
    secure.close();
    await rm(directory, { recursive: true });
  });

  test('closes connections beyond the number that is allowed', async () => {
    link.mostConnections = 1;
    const second = connect({ port: link.port, host: '127.0.0.1' });
    second.on('error', () => undefined);
    await once(second, 'close');
    expect(link.openConnections).toBe(1);
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
