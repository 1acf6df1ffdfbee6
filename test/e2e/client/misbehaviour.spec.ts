import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { ConnectReply } from '../../../lib/zookeeper/codec/connect.record.js';
import { OPCODES } from '../../../lib/zookeeper/codec/opcodes.js';
import { stat } from '../../../lib/zookeeper/codec/stat.record.js';
import { TlsSource } from '../../../lib/zookeeper/connection/tls-source.js';
import type { WireClient } from '../../../lib/zookeeper/wire-client.js';
import type { Connection } from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { Certificates } from '../../support/certificates.js';
import {
  NO_STAT,
  ScriptedServer,
  grant,
  type Script,
} from '../../support/scripted-server.js';
import { waitFor } from '../../support/wait-for.js';
import { connected, reached, wireClient } from './test-clients.js';

// What went wrong in other clients, each as a test: the names are those of the
// projects' issues and commits.

const clients: WireClient[] = [];
const servers: ScriptedServer[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  for (const server of servers.splice(0)) {
    server.close();
  }
});

async function serve(
  script: Partial<Script> = {},
  pieceBytes?: number,
): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(
    { connect: () => grant(), ...script },
    { ...(pieceBytes !== undefined && { pieceBytes }) },
  );
  servers.push(server);
  return server;
}

async function cutAndReconnect(
  client: WireClient,
  server: ScriptedServer,
): Promise<void> {
  const { epoch } = client.connection;
  for (const connection of server.connections) {
    connection.cut();
  }
  await waitFor(() => client.connection.epoch > epoch);
}

function make(
  ports: readonly number[],
  options: Parameters<typeof wireClient>[1] = {},
  notices: string[] = [],
): WireClient {
  const client = wireClient({ ports, notices }, options);
  clients.push(client);
  return client;
}

describe('an answer', () => {
  // kazoo #721
  it('with an unknown code fails one request, and no other', async () => {
    const server = await serve({
      request: ({ xid }, connection) =>
        connection.reply(xid, 1, xid === 1 ? -999 : 0, (to) => {
          if (xid !== 1) {
            stat.write(to, NO_STAT);
          }
        }),
    });
    const client = await connected(make([server.port]));
    const { epoch } = client.connection;
    const [first, second] = await Promise.allSettled([
      client.set('/a', ''),
      client.set('/a', ''),
    ]);
    expect(first).toMatchObject({
      reason: { code: 'UNKNOWN', message: expect.stringContaining('-999') },
    });
    expect(second).toMatchObject({ status: 'fulfilled' });
    expect(client.connection.epoch).toBe(epoch);
  });

  it('that the session has moved elsewhere fails one request by its name, and the session lives on', async () => {
    let hasMoved = false;
    const server = await serve({
      request: ({ xid }, connection) => {
        if (hasMoved) {
          connection.reply(xid, 1, 0, (to) => stat.write(to, NO_STAT));
        } else {
          // As servers do: an answer, and then they hang up.
          hasMoved = true;
          connection.reply(xid, 1, -118);
          connection.socket.end();
        }
      },
    });
    const client = await connected(make([server.port]));
    const { epoch, sessionId } = client.connection;
    await expect(client.set('/a', '')).rejects.toMatchObject({
      code: 'SESSION_MOVED',
      path: '/a',
    });
    await waitFor(
      () =>
        client.connection.epoch > epoch &&
        client.connection.state === 'connected',
    );
    expect(client.connection.sessionId).toBe(sessionId);
    expect(server.connects.at(-1)).toMatchObject({ sessionId });
    await client.set('/a', '');
  });

  it('that is shorter than it should be fails one request, and no other', async () => {
    const server = await serve({
      request: ({ xid }, connection) =>
        connection.reply(xid, 1, 0, (to) =>
          xid === 1 ? to.int(7) : stat.write(to, NO_STAT),
        ),
    });
    const client = await connected(make([server.port]));
    const [first, second] = await Promise.allSettled([
      client.set('/a', ''),
      client.set('/a', ''),
    ]);
    expect(first).toMatchObject({
      reason: { message: expect.stringContaining('ends 4 bytes early') },
    });
    expect(second).toMatchObject({ status: 'fulfilled' });
  });

  it('with a number that JavaScript would round fails with a sentence', async () => {
    const server = await serve({
      request: ({ xid }, connection) =>
        connection.reply(xid, 1, 0, (to) => {
          const { hexLong } = to;
          hexLong.call(to, '20000000000001');
          to.raw(Buffer.alloc(60));
        }),
    });
    const client = await connected(make([server.port]));
    await expect(client.set('/a', '')).rejects.toThrow(
      /9007199254740993 is beyond 2\^53/,
    );
  });

  // kazoo #400, #254
  it('to a request that nobody made costs the connection, and every promise settles', async () => {
    let isWrong = true;
    const server = await serve({
      request: ({ xid }, connection) => {
        connection.reply(isWrong ? xid + 5 : xid, 1, 0, (to) =>
          stat.write(to, NO_STAT),
        );
        isWrong = false;
      },
    });
    const client = await connected(make([server.port]));
    const { sessionId, epoch } = client.connection;
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => client.set('/a', '')),
    );
    expect(new Set(results.map(({ status }) => status))).toEqual(
      new Set(['rejected']),
    );
    await waitFor(() => client.connection.epoch > epoch);
    expect(client.connection).toMatchObject({ state: 'connected', sessionId });
    await client.set('/a', '');
  });

  it('of an impossible length costs the connection', async () => {
    const server = await serve({
      request: (_request, { socket }) => socket.write(Buffer.alloc(4, 0x7f)),
    });
    const notices: string[] = [];
    const client = await connected(make([server.port], {}, notices));
    await expect(client.set('/a', '')).rejects.toMatchObject({
      code: 'CONNECTION_LOSS',
    });
    expect(notices.join()).toMatch(
      /sent what cannot be read \(a frame of 2139062143 bytes.*\): perhaps something else/,
    );
  });
});

describe('an event', () => {
  it('of an unknown type is ignored', async () => {
    const server = await serve({
      request: ({ xid }, connection) => {
        connection.send((to) =>
          to.int(-1).long(-1).int(0).int(99).int(3).text('/a'),
        );
        connection.reply(xid, 1, 0, (to) => stat.write(to, NO_STAT));
      },
    });
    const client = await connected(make([server.port]));
    await client.set('/a', '');
    expect(await client.set('/a', '')).toMatchObject({ czxid: 1 });
  });

  it('reaches all watchers although one of them throws, and the error is reported', async () => {
    const server = await serve({
      request: ({ xid, opcode }, connection) => {
        if (opcode === OPCODES.setData) {
          connection.send((to) =>
            to.int(-1).long(-1).int(0).int(3).int(3).text('/a'),
          );
          connection.reply(xid, 1, 0, (to) => stat.write(to, NO_STAT));
        } else {
          connection.reply(xid, 1, 0, (to) => stat.write(to.text(''), NO_STAT));
        }
      },
    });
    const notices: string[] = [];
    const client = await connected(make([server.port], {}, notices));
    const called: string[] = [];
    await client.get('/a', () => {
      called.push('first');
      throw new Error('of the first');
    });
    await client.get('/a', () => called.push('second'));
    await client.set('/a', '');
    expect(called).toEqual(['first', 'second']);
    expect(notices.join()).toContain('of the first');
  });
});

describe('the last transaction that was seen', () => {
  // zookeeper-client-rust #39, #82; go-zookeeper 14e9108
  it('is sent with the next connection, and comes from answers alone', async () => {
    const server = await serve({
      request: ({ xid }, connection) => {
        connection.reply(xid, 41, 0, (to) => stat.write(to, NO_STAT));
        connection.send((to) =>
          to.int(-1).long(77).int(0).int(3).int(3).text('/x'),
        );
        connection.reply(-2, 99);
        setTimeout(() => connection.cut(), 20);
      },
    });
    const client = await connected(make([server.port]));
    expect(server.connects).toMatchObject([
      { lastZxidSeen: 0, sessionId: '0' },
    ]);
    await client.set('/a', '');
    await waitFor(() => server.connects.length > 1);
    expect(server.connects[1]).toMatchObject({
      lastZxidSeen: 41,
      sessionId: 'abc123',
      password: Buffer.alloc(16, 7),
    });
  });

  // zookeeper-client-rust #39
  it('keeps a session away from a server that has seen less', async () => {
    const granted = grant({ sessionTimeoutMs: 10_000 });
    const recent = await serve({
      connect: () => granted,
      request: ({ xid }, connection) =>
        connection.reply(xid, 41, 0, (to) => stat.write(to, NO_STAT)),
    });
    const lagging = await serve({
      connect: ({ lastZxidSeen }) => {
        if (lastZxidSeen < 41) {
          return granted;
        }
        // As servers do: without a word.
        for (const { socket } of lagging.connections) {
          socket.end();
        }
        return undefined;
      },
    });
    const client = await connected(make([recent.port, lagging.port]));
    // Which one comes next is drawn by lot.
    while (recent.connections.size === 0) {
      await cutAndReconnect(client, lagging);
    }
    await client.set('/a', '');
    const { sessionId } = client.connection;
    const { length } = lagging.connects;
    while (lagging.connects.length === length) {
      await cutAndReconnect(client, recent);
    }
    expect(lagging.connects.at(-1)).toMatchObject({
      lastZxidSeen: 41,
      sessionId,
    });
    expect(client.connection).toMatchObject({ state: 'connected', sessionId });
    expect(recent.connections.size).toBe(1);
  });

  // kazoo #42
  it('is given up when the session must be over: a server that lost its data is used', async () => {
    let isWiped = false;
    const server = await serve({
      connect: ({ lastZxidSeen, sessionId }) => {
        if (!isWiped) {
          return grant({ sessionTimeoutMs: 600 });
        }
        if (lastZxidSeen > 3) {
          return undefined;
        }
        return sessionId === '0'
          ? grant({ sessionTimeoutMs: 600, sessionId: 'fff' })
          : grant({ sessionTimeoutMs: 0, sessionId: '0' });
      },
      request: ({ xid }, connection) =>
        connection.reply(xid, 41, 0, (to) => stat.write(to, NO_STAT)),
    });
    const client = await connected(make([server.port]));
    await client.set('/a', '');
    isWiped = true;
    for (const connection of server.connections) {
      connection.cut();
    }
    await waitFor(() => client.connection.sessionId === 'fff');
  });
});

describe('a connect answer', () => {
  // zookeeper-client-rust c031d8e, ZOOKEEPER-3426
  it.each([
    [36, undefined],
    [37, false],
  ])('of %d bytes is understood byte by byte', async (_, isReadOnly) => {
    const connect = (): ConnectReply => ({ ...grant(), isReadOnly });
    const server = await serve({ connect }, 1);
    const client = await connected(make([server.port]));
    expect(client.connection.sessionId).toBe('abc123');
  });

  it.each([
    ['protocol version 42', grant({ protocolVersion: 42 })],
    ['a read-only server', grant({ isReadOnly: true })],
    ['no session', grant({ sessionId: '0', sessionTimeoutMs: 0 })],
  ])('with %s sends the client elsewhere', async (_, answer) => {
    const odd = await serve({ connect: () => answer });
    const good = await serve();
    const client = make([odd.port, good.port]);
    await connected(client);
    expect(good.connections.size).toBe(1);
  });

  // ClickHouse Keeper
  it('with another session than the one asked for is an expired session', async () => {
    let count = 0;
    const server = await serve({
      connect: () => grant({ sessionId: `a${(count += 1)}` }),
    });
    const client = await connected(make([server.port]));
    const states: string[] = [];
    client.connection$.subscribe(({ state, sessionId }) =>
      states.push(`${state} ${sessionId ?? ''}`),
    );
    for (const connection of server.connections) {
      connection.cut();
    }
    await waitFor(() => client.connection.sessionId === 'a2');
    expect(states).toEqual([
      'connected a1',
      'suspended a1',
      'lost ',
      'connected a2',
    ]);
  });

  // kazoo #540
  it('that does not come sends the client to the next server while its session lives', async () => {
    const mute = await serve({ connect: () => undefined });
    const good = await serve();
    const startedAt = performance.now();
    await connected(make([mute.port, good.port]));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});

describe('an outage that is longer than the session timeout', () => {
  it('ends with the first server that answers: no pause follows its "expired"', async () => {
    let isServing = true;
    const server = await serve({
      connect: ({ sessionId }) => {
        if (!isServing) {
          return undefined;
        }
        return /^0*$/.test(sessionId)
          ? grant({ sessionTimeoutMs: 300 })
          : grant({ sessionId: '0', sessionTimeoutMs: 0 });
      },
    });
    // Each round of attempts begins with the question where the server is.
    const log: string[] = [];
    const client = make([], {
      servers: [{ host: 'zk.example.org', port: server.port }],
      resolveName: () => {
        log.push('round');
        return Promise.resolve(['127.0.0.1']);
      },
    });
    await connected(client);
    isServing = false;
    for (const connection of server.connections) {
      connection.cut();
    }
    await reached(client, 'lost');
    const { length } = server.connects;
    await waitFor(() => server.connects.length > length + 1);
    log.length = 0;
    isServing = true;
    const connects = server.connects.length;
    await reached(client, 'connected');
    // One that was under way, one that is answered with "expired", and the next one.
    const sessions = server.connects
      .slice(connects)
      .map(({ sessionId }) => (/^0*$/.test(sessionId) ? 'new' : 'former'));
    expect(sessions.slice(-2)).toEqual(['former', 'new']);
    expect(log.length).toBeLessThanOrEqual(sessions.length - 1);
  });
});

// A stall of this process of half a session timeout costs a connection, too: the
// timeouts below are long enough for a busy machine.
describe('a silent server', () => {
  it('is given up, and its connection only', async () => {
    const server = await serve({
      connect: () => grant({ sessionTimeoutMs: 2_400 }),
    });
    const client = await connected(make([server.port]));
    const { sessionId, epoch } = client.connection;
    server.answersPings = false;
    await waitFor(() => client.connection.state === 'suspended');
    server.answersPings = true;
    await waitFor(() => client.connection.epoch > epoch);
    expect(client.connection.sessionId).toBe(sessionId);
    expect(server.connects.at(-1)).toMatchObject({ sessionId });
  });

  it('that answers pings and nothing else fails requests in time', async () => {
    const server = await serve({
      connect: () => grant({ sessionTimeoutMs: 1_800 }),
    });
    const client = await connected(make([server.port]));
    const { epoch } = client.connection;
    await expect(client.set('/a', '')).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    expect(client.connection).toMatchObject({ state: 'connected', epoch });
    await waitFor(() => client.connection.epoch > epoch);
  });

  it.each([
    ['requests', false],
    ['heartbeats', true],
  ])(
    'is pinged every sixth of the session timeout, also while %s wait for an answer',
    async (_what, areHeartbeats) => {
      const server = await serve({
        connect: () => grant({ sessionTimeoutMs: 2_400 }),
      });
      const client = await connected(make([server.port]));
      client.expectHeartbeats(areHeartbeats);
      const waiting = client.set('/a', '').catch(() => undefined);
      const before = server.pings;
      await waiting;
      // 2,400 ms have passed.
      expect(server.pings - before).toBeGreaterThanOrEqual(4);
    },
  );
});

describe('clocks', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  async function clientWhoseClockIsSet(stepMs: number): Promise<{
    server: ScriptedServer;
    client: WireClient;
    before: Connection;
  }> {
    const server = await serve({
      connect: () => grant({ sessionTimeoutMs: 2_400 }),
    });
    const client = await connected(make([server.port]));
    const before = client.connection;
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + stepMs);
    return { server, client, before };
  }

  // kazoo #722
  it('that are set back make no difference', async () => {
    const { server, client, before } = await clientWhoseClockIsSet(-3_600_000);
    const { pings } = server;
    await waitFor(() => server.pings > pings + 2);
    expect(client.connection).toEqual(before);
  });

  // As after a suspended machine: the server may be about to expire the session.
  it('that are set ahead cost one connection, and no session', async () => {
    const { server, client, before } = await clientWhoseClockIsSet(3_600_000);
    await waitFor(() => client.connection.epoch > before.epoch);
    const { pings } = server;
    await waitFor(() => server.pings > pings + 2);
    expect(client.connection).toMatchObject({
      state: 'connected',
      epoch: before.epoch + 1,
      sessionId: before.sessionId,
    });
    expect(server.connects).toHaveLength(2);
  });
});

describe('close()', () => {
  // go-zookeeper 463724b, 7f9aac4; ZOOKEEPER-3706
  it('is bounded in every state', async () => {
    const mute = await serve({ connect: () => undefined });
    const good = await serve();
    const states: [string, () => Promise<WireClient>][] = [
      ['not started', () => Promise.resolve(make([good.port]))],
      [
        'refused',
        async () => {
          const client = make([1]);
          await client.start();
          return client;
        },
      ],
      [
        'awaiting the connect answer',
        async () => {
          const client = make([mute.port]);
          const { length } = mute.connects;
          await client.start();
          await waitFor(() => mute.connects.length > length);
          return client;
        },
      ],
      ['connected', () => connected(make([good.port]))],
      [
        'suspended',
        async () => {
          const own = await serve();
          const client = await connected(make([own.port]));
          own.close();
          await reached(client, 'suspended');
          return client;
        },
      ],
      [
        'lost',
        async () => {
          const own = await serve({
            connect: () => grant({ sessionTimeoutMs: 300 }),
          });
          const client = await connected(make([own.port]));
          own.close();
          await reached(client, 'lost');
          return client;
        },
      ],
    ];
    for (const [state, reach] of states) {
      const client = await reach();
      const startedAt = performance.now();
      await client.close();
      expect([state, performance.now() - startedAt < 3_000]).toEqual([
        state,
        true,
      ]);
    }
  });
});

describe('request numbers', () => {
  // kazoo #403, ZOOKEEPER-3253, go-zookeeper 9c31c59
  it('begin again with 1 before they leave 31 bits', async () => {
    const xids: number[] = [];
    const server = await serve({
      request: ({ xid }, connection) => {
        xids.push(xid);
        connection.reply(xid, 1, 0, (to) => stat.write(to, NO_STAT));
      },
    });
    const client = await connected(
      make([server.port], { firstXid: 2 ** 31 - 4 }),
    );
    for (let count = 0; count < 4; count++) {
      await client.set('/a', '');
    }
    expect(xids).toEqual([2 ** 31 - 3, 2 ** 31 - 2, 1, 2]);
  });
});

describe('a server that does not know how to remove a watch', () => {
  it('is not asked again', async () => {
    const removals: number[] = [];
    const server = await serve({
      request: ({ xid, opcode }, connection) => {
        if (opcode === OPCODES.removeWatches) {
          removals.push(xid);
          connection.cut();
        } else {
          connection.reply(xid, 1, 0, (to) => stat.write(to.text(''), NO_STAT));
        }
      },
    });
    const client = await connected(make([server.port]));
    const { epoch } = client.connection;
    const watcher = (): void => undefined;
    await client.get('/a', watcher);
    client.unwatch('/a', watcher);
    await waitFor(() => client.connection.epoch > epoch);
    await client.get('/a', watcher);
    client.unwatch('/a', watcher);
    await client.get('/a');
    expect(removals).toHaveLength(1);
  });

  it('is still asked after another one that it has answered, and then was cut off', async () => {
    let removals = 0;
    const server = await serve({
      request: ({ xid, opcode }, connection) => {
        if (opcode === OPCODES.removeWatches) {
          removals += 1;
          if (removals === 2) {
            connection.cut();
          } else {
            connection.reply(xid, 1);
          }
        } else {
          connection.reply(xid, 1, 0, (to) => stat.write(to.text(''), NO_STAT));
        }
      },
    });
    const client = await connected(make([server.port]));
    const watcher = (): void => undefined;
    for (let round = 1; round <= 3; round += 1) {
      await waitFor(() => client.connection.state === 'connected');
      const { epoch } = client.connection;
      await client.get('/a', watcher);
      client.unwatch('/a', watcher);
      await (round === 2
        ? waitFor(() => client.connection.epoch > epoch)
        : client.get('/a'));
    }
    expect(removals).toBe(3);
  });
});

describe('a first request that is refused', () => {
  async function refuse(code: number): Promise<{
    server: ScriptedServer;
    client: WireClient;
    notices: string[];
    states: string[];
  }> {
    const notices: string[] = [];
    const states: string[] = [];
    const server = await serve({
      connect: () => {
        if (server.connects.length === 2) {
          server.answersPings = false;
          setImmediate(() => {
            for (const connection of server.connections) {
              connection.reply(-2, 0, code);
            }
          });
        } else {
          server.answersPings = true;
        }
        return grant();
      },
    });
    const client = await connected(make([server.port], {}, notices));
    client.connection$.subscribe(({ state }) => states.push(state));
    await cutAndReconnect(client, server);
    return { server, client, notices, states };
  }

  it.each([-118, -1])(
    'with code %d costs the connection, and is no refused login',
    async (code) => {
      const { states, server } = await refuse(code);
      expect(states).toEqual(['connected', 'suspended', 'connected']);
      expect(server.connects).toHaveLength(3);
    },
  );

  it('because the session is over is an expired session', async () => {
    const { notices, states } = await refuse(-112);
    expect(states).toEqual(['connected', 'suspended', 'lost', 'connected']);
    expect(notices.join()).toMatch(/has expired the session/);
    expect(notices.join()).not.toMatch(/credentials/);
  });
});

describe('after a pause of this process', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('a server hears of the session at once', async () => {
    const server = await serve({
      connect: () => grant({ sessionTimeoutMs: 24_000 }),
      request: ({ xid }, connection) =>
        connection.reply(xid, 1, 0, (to) => stat.write(to, NO_STAT)),
    });
    const client = await connected(make([server.port]));
    await client.set('/a', '');
    const { pings } = server;
    // A pause, as far as the client can tell: two fifths of the session timeout.
    const { now } = Date;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + 9_600);
    // With its next tick, every 1,000 ms, and not after a sixth of 24,000 ms.
    await waitFor(() => server.pings > pings, { timeoutMs: 3_000 });
    expect(client.connection.epoch).toBe(1);
  });

  it('an answer that lies ready counts, though the time for it has passed', async () => {
    const server = await serve({
      connect: () => {
        setImmediate(() => {
          if (server.connects.length === 1) {
            const until = performance.now() + 1_000;
            while (performance.now() < until);
          }
        });
        return grant({ sessionTimeoutMs: 10_000 });
      },
      request: ({ xid }, connection) => connection.reply(xid, 1),
    });
    const respond = async (): Promise<undefined> => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return undefined;
    };
    const client = make([server.port], { sasl: { mechanism: 'X', respond } });
    await connected(client);
    expect(server.connects).toHaveLength(1);
  });
});

describe('the name of a server', () => {
  // Java refuses the handshake then.
  it('goes into a TLS handshake without the dot at its end', async () => {
    const certificates = new Certificates()
      .authority('ca')
      .leaf('server', 'ca');
    const names: string[] = [];
    const server = await ScriptedServer.start(
      { connect: () => grant() },
      {
        tls: {
          cert: certificates.read('server.pem'),
          key: certificates.read('server.key'),
          SNICallback: (name, found) => {
            names.push(name);
            found(null);
          },
        },
      },
    );
    servers.push(server);
    const client = make([], {
      servers: [{ host: 'localhost.', port: server.port }],
      resolveName: async () => ['127.0.0.1'],
      tls: new TlsSource({ ca: certificates.path('ca.pem') }),
    });
    await connected(client);
    expect(names).toEqual(['localhost']);
  });
});
