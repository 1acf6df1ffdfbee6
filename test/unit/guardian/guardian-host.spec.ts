import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { createGuardian } from '../../../lib/guardian/application/create-guardian.js';
import { encode } from '../../../lib/guardian/channel/protocol.js';
import { GRACE_MS } from '../../../lib/guardian/judgement.js';
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
  /** To all applications. */
  let answers: Record<string, unknown>[] = [];

  beforeEach(async () => {
    // The guardian of the test before may still have something to say.
    const own: string[] = [];
    notices = own;
    connections = [];
    answers = [];
    paused.listen(0, '127.0.0.1');
    await once(paused, 'listening');
    host = new GuardianHost({ onNotice: (text) => own.push(text) });
    await host.listen(address);
  });

  afterEach(() => {
    host.close();
    paused.close();
    connections.forEach((socket) => socket.destroy());
  });

  /** Asks it to guard the session; resolves to the connection and the answer. */
  const ask = async (
    options: { sessionId?: string; tls?: object; port?: number } = {},
  ): Promise<[Socket, Record<string, unknown>]> => {
    const { sessionId = '1a2b', tls } = options;
    const { port } = { ...(paused.address() as AddressInfo), ...options };
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
          sessionId,
          password: Buffer.alloc(16),
          sessionTimeoutMs: T,
          security: { auth: [], ...(tls && { tls }) },
        },
      }),
    );
    const take = (line: string): void => {
      answers.push(JSON.parse(line) as Record<string, unknown>);
    };
    const from = answers.length;
    createInterface({ input: socket }).on('line', take);
    const answer = await waitFor(() =>
      answers.slice(from).find(({ number }) => number === 1),
    );
    return [socket, answer];
  };

  it('keeps no connection that does not say whose it is', async () => {
    const other = new GuardianHost({ patienceMs: 50 });
    const otherAddress = abstractAddress();
    await other.listen(otherAddress);
    const silent = connect(toSocketPath(otherAddress));
    const [hadError] = await once(silent, 'close');
    expect(hadError).toBe(false);
    await other.whenIdle();
    other.close();
  });

  it('takes back an application within the grace', async () => {
    const [first] = await ask();
    first.destroy();
    const [second, answer] = await ask();
    expect(answer).toMatchObject({ type: 'done' });
    second.destroy();
  });

  it('has one guard for each session: a connection that has it no more is closed', async () => {
    const [first] = await ask();
    const ended = once(first, 'close');
    const [second] = await ask();
    await ended;
    // Its end is not the death of the application, which has another one.
    const sinceMs = performance.now();
    await waitFor(() => performance.now() - sinceMs > GRACE_MS + 100, {
      description: 'the end of the grace',
    });
    expect(notices).toEqual([]);
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
    expect(notices[0]).toMatch(
      /^Could not close the session .* \(a server did not answer\)/,
    );
    const [third, again] = await ask();
    expect(again).toMatchObject({ type: 'refused' });
    third.destroy();
  });

  it('says why it could not keep the session of a stalled application', async () => {
    const [stalled] = await ask();
    await waitFor(() => notices.length > 0);
    expect(notices).toEqual([
      'Could not keep the session 0x1a2b of the stalled application 1 ' +
        '(a server did not answer). It ends at its timeout.',
    ]);
    stalled.destroy();
  });

  it.each([
    ['keys that cannot be read', { tls: { cert: 'rubbish', key: 'rubbish' } }],
    ['a port that there is not', { port: 99_999 }],
  ])(
    'closes the sessions of others after it had to do so with %s, and says what went wrong',
    async (_what, options) => {
      const [broken, accepted] = await ask({ sessionId: '1', ...options });
      expect(accepted).toMatchObject({ type: 'done' });
      const [sound] = await ask({ sessionId: '2' });
      // Its application is stalled for long, too: the guardian tries to attach.
      const stalledAtMs = performance.now();
      await waitFor(() => performance.now() - stalledAtMs > T);
      broken.destroy();
      await waitFor(() => notices.some((text) => text.includes('0x1,')));
      expect(notices.join('\n')).toMatch(
        /^Could not close the session 0x1, whose application is gone \(.+\)/m,
      );
      sound.destroy();
      const before = connections.length;
      await waitFor(() => connections.length > before);
    },
  );

  it('tells application and log at once that it cannot use the options of the connection', async () => {
    const { port } = paused.address() as AddressInfo;
    const warnings: string[] = [];
    const guardian = createGuardian({
      guardian: { socket: address },
      maxStallMs: 3 * T,
      onNotice: ({ text }) => warnings.push(text),
    });
    const place = { host: '127.0.0.1', port };
    await guardian?.guard({
      servers: [place],
      server: { ...place, address: place.host },
      sessionId: '3',
      password: Buffer.alloc(16),
      sessionTimeoutMs: T,
      security: { auth: [], tls: { cert: 'rubbish', key: 'rubbish' } },
    });
    await waitFor(() => warnings.length > 0);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^The guardian cannot connect to ZooKeeper with the option tls: ./,
      ),
    ]);
    expect(notices).toEqual([
      expect.stringMatching(
        `^Cannot connect to ZooKeeper for the application ${process.pid}: the option tls: .`,
      ),
    ]);
    await guardian?.release();
    await guardian?.stop();
  });
});
