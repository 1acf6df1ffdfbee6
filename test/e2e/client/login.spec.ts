import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { OPCODES } from '../../../lib/zookeeper/codec/opcodes.js';
import { RESULT_CODES } from '../../../lib/zookeeper/codec/result-codes.js';
import { stat } from '../../../lib/zookeeper/codec/stat.record.js';
import { XIDS } from '../../../lib/zookeeper/codec/xids.js';
import { TlsSource } from '../../../lib/zookeeper/connection/tls-source.js';
import {
  DigestCredentials,
  DigestMd5Credentials,
} from '../../../lib/zookeeper/digest-credentials.js';
import { digestMd5 } from '../../../lib/zookeeper/handshake/digest-md5.js';
import type {
  WireClient,
  WireClientOptions,
} from '../../../lib/zookeeper/wire-client.js';
import { ByteRelay } from '../../support/byte-relay.js';
import { Certificates } from '../../support/certificates.js';
import { ScriptedServer, grant } from '../../support/scripted-server.js';
import { SecureServer } from '../../support/secure-server.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient as ObservingClient } from '../../support/wire-client.js';
import { connected, wireClient } from './test-clients.js';

/** What has to be escaped on its way, and is. */
const PASSWORD = 'a"b,c\\d=ä €';
/** What Latin-1 can write is hashed in another way. */
const LATIN_1_PASSWORD = 'café';

let certificates: Certificates;
let server: SecureServer;
/** Serves nobody who has not logged in by SASL. */
let strict: SecureServer;
/** Has no logins at all. */
let plain: SecureServer;
const clients: WireClient[] = [];

beforeAll(async () => {
  certificates = new Certificates()
    .authority('ca')
    .leaf('server', 'ca')
    .leaf('client', 'ca');
  const users = { bob: PASSWORD, eve: 'eve', rene: LATIN_1_PASSWORD };
  [server, strict, plain] = await Promise.all([
    SecureServer.start({ certificates, users }),
    SecureServer.start({
      certificates,
      users,
      config: {
        'enforce.auth.enabled': true,
        'enforce.auth.schemes': 'sasl',
      },
    }),
    SecureServer.start({ certificates }),
  ]);
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => Promise.all([server.close(), strict.close(), plain.close()]));

const bob = new DigestMd5Credentials('bob', PASSWORD);
const eve = new DigestMd5Credentials('eve', 'eve');

function make(
  port: number,
  options: Partial<WireClientOptions>,
  notices: string[] = [],
): WireClient {
  const client = wireClient(
    // No server is so slow that it is given up, and asked once more.
    { ports: [port], notices, sessionTimeoutMs: 20_000 },
    options,
  );
  clients.push(client);
  return client;
}

/** What an operator reads when a login fails: at the first try, not in a flood. */
async function refusal(
  port: number,
  options: Partial<WireClientOptions>,
): Promise<string> {
  const notices: string[] = [];
  const relay = await ByteRelay.start({ targetPort: port });
  const client = make(relay.port, options, notices);
  const tries: number[] = [];
  client.connection$.subscribe(({ problem }) => {
    if (problem) {
      tries.push(relay.connections);
    }
  });
  await client.start();
  await waitFor(() => tries.length > 0);
  expect(tries[0]).toBe(1);
  expect(client.connection).toMatchObject({
    state: 'lost',
    problem: { code: 'AUTH_FAILED' },
  });
  const text = notices.findLast((notice) => /Session lost/.test(notice));
  expect(text).toContain(client.connection.problem?.message);
  await client.close();
  relay.close();
  return text as string;
}

describe('a login by DIGEST-MD5', () => {
  it.each([
    ['a server that does not demand one', () => server],
    ['a server that serves nobody without', () => strict],
  ])('works with %s, and again after a reconnect', async (_, which) => {
    const relay = await ByteRelay.start({ targetPort: which().port });
    const client = await connected(
      make(relay.port, { sasl: bob, acl: 'creator' }),
    );
    await client.create('/bobs', 'x', 'ephemeral');
    const { epoch, sessionId } = client.connection;
    const read = new Promise((resolve) => {
      client.connection$.subscribe((connection) => {
        if (connection.epoch > epoch) {
          // The first request of the new connection.
          resolve(client.get('/bobs'));
        }
      });
    });
    relay.cut();
    expect(await read).toMatchObject({ data: 'x' });
    expect(client.connection.sessionId).toBe(sessionId);
    await client.close();
    relay.close();
  });

  it('keeps others out of what belongs to the user', async () => {
    const [his, hers] = await Promise.all([
      connected(make(server.port, { sasl: bob, acl: 'creator' })),
      connected(make(server.port, { sasl: eve, acl: 'creator' })),
    ]);
    const anonymous = await ObservingClient.connect({ port: server.port });
    await his.create('/his', '', 'ephemeral');
    await hers.create('/hers', '', 'ephemeral');
    await expect(hers.get('/his')).rejects.toMatchObject({ code: 'NO_AUTH' });
    await expect(his.get('/hers')).rejects.toMatchObject({ code: 'NO_AUTH' });
    await expect(anonymous.tree('/his')).rejects.toMatchObject({
      code: 'NO_AUTH',
    });
    await anonymous.close();
  });

  // ZOOKEEPER-4839
  it('belongs to its own user, also after the login of another one', async () => {
    const owners = [bob, eve, bob, eve];
    for (const [index, sasl] of owners.entries()) {
      const client = await connected(
        make(server.port, { sasl, acl: 'creator' }),
      );
      await client.create(`/of-${index}`, sasl.username, 'persistent');
      await client.close();
    }
    const client = await connected(make(server.port, { sasl: bob }));
    const seen = await Promise.all(
      owners.map((_, index) =>
        client.get(`/of-${index}`).then(
          ({ data }) => data,
          ({ code }: { code: string }) => code,
        ),
      ),
    );
    expect(seen).toEqual(['bob', 'NO_AUTH', 'bob', 'NO_AUTH']);
  });

  it('works with a password that Latin-1 can write', async () => {
    const sasl = new DigestMd5Credentials('rene', LATIN_1_PASSWORD);
    const client = await connected(make(strict.port, { sasl }));
    expect((await client.get('/')).data).toBe('');
  });

  it('works over TLS', async () => {
    const tls = new TlsSource({
      ca: certificates.path('ca.pem'),
      cert: certificates.path('client.pem'),
      key: certificates.path('client.key'),
    });
    const client = await connected(make(strict.tlsPort, { sasl: bob, tls }));
    expect((await client.get('/')).data).toBe('');
  });

  it('never shows the password to the network', async () => {
    const relay = await ByteRelay.start({ targetPort: server.port });
    const client = await connected(make(relay.port, { sasl: eve }));
    await client.close();
    relay.close();
    const seen = Buffer.concat(relay.recorded).toString('latin1');
    expect(seen).toContain('username="eve"');
    expect(seen).not.toContain('password');
    expect(seen.replaceAll('"eve"', '')).not.toContain('eve');
  });

  // ZOOKEEPER-3937, ZOOKEEPER-4342
  it('lets no request through before it is done', async () => {
    const client = make(strict.port, { sasl: bob });
    const outcomes: Promise<unknown>[] = [];
    await client.start();
    await waitFor(() => {
      outcomes.push(client.get('/').catch((error: Error) => error));
      return client.connection.state === 'connected';
    });
    const results = await Promise.all(outcomes);
    for (const early of results.slice(0, -1)) {
      expect(early).toMatchObject({ code: 'CONNECTION_LOSS' });
    }
    await client.get('/');
  });
});

// zookeeper-client-rust #45
describe('a login that is refused is said to be, and which option to mend', () => {
  it.each<[string, () => Promise<string>, RegExp]>([
    [
      'the password is wrong',
      () =>
        refusal(server.port, {
          sasl: new DigestMd5Credentials('bob', 'no-SECRET'),
        }),
      /refused the option sasl .*"bob"/,
    ],
    [
      'the user is unknown',
      () =>
        refusal(strict.port, {
          sasl: new DigestMd5Credentials('mallory', 'no-SECRET'),
        }),
      /refused the option sasl .*"mallory".*-Dzookeeper\.fips-mode=false/,
    ],
    [
      'the server has no logins',
      () => refusal(plain.port, { sasl: bob }),
      /sasl/,
    ],
    [
      'a login is demanded and none was made',
      () => refusal(strict.port, {}),
      /serves only clients that prove who they are: set the option sasl/,
    ],
    [
      'another proof is demanded',
      () =>
        refusal(strict.port, {
          credentials: new DigestCredentials('user', 'no-SECRET'),
        }),
      /does not accept the option credentials as proof/,
    ],
    [
      'a function fails',
      () =>
        refusal(server.port, {
          sasl: {
            mechanism: 'GSSAPI',
            respond: () => Promise.reject(new Error('no ticket')),
          },
        }),
      /The login of the option sasl failed: .*no ticket/,
    ],
  ])('when %s', async (_, refuse, expected) => {
    const text = await refuse();
    expect(text).toMatch(expected);
    expect(text).not.toContain('SECRET');
    expect(text).not.toContain(PASSWORD);
  });
});

describe('a login by a function', () => {
  it('is any mechanism: it is given the challenges, and says when it is done', async () => {
    const respond = digestMd5(bob);
    const seen: unknown[] = [];
    const client = await connected(
      make(strict.port, {
        acl: 'creator',
        sasl: {
          mechanism: 'SCRIPTED',
          respond: (challenge, context) => {
            seen.push({ ...context, bytes: challenge.length > 0 });
            return respond(challenge, context);
          },
        },
      }),
    );
    const context = { host: '127.0.0.1', port: strict.port };
    expect(seen).toEqual([
      { ...context, step: 0, bytes: false },
      { ...context, step: 1, bytes: true },
      { ...context, step: 2, bytes: true },
    ]);
    await client.create('/scripted', '', 'ephemeral');
  });

  // ZOOKEEPER-4275
  it('may take longer than a server may be silent', async () => {
    const tokens: string[] = [];
    const scripted = await ScriptedServer.start({
      connect: () => grant({ sessionTimeoutMs: 3_000 }),
      request: ({ xid, opcode, body }, connection) => {
        if (opcode === OPCODES.sasl) {
          tokens.push(String(body.buffer()));
          connection.reply(xid, 1, 0, (to) => to.text('next'));
        } else {
          connection.reply(xid, 1, 0, (to) => stat.write(to, {} as never));
        }
      },
    });
    const client = await connected(
      make(scripted.port, {
        sasl: {
          mechanism: 'SLOW',
          respond: async (_challenge, { step }) => {
            if (step === 1) {
              await new Promise((resolve) => setTimeout(resolve, 1_800));
            }
            return step < 2 ? Buffer.from(`token ${step}`) : undefined;
          },
        },
      }),
    );
    expect(tokens).toEqual(['token 0', 'token 1']);
    expect(scripted.connects).toHaveLength(1);
    await client.close();
    scripted.close();
  });

  it('whose function does not answer is given up, and the option is named', async () => {
    const scripted = await ScriptedServer.start({
      connect: () => grant({ sessionTimeoutMs: 500 }),
    });
    const notices: string[] = [];
    const respond = (): Promise<undefined> => new Promise(() => undefined);
    const sasl = { mechanism: 'HANGS', respond };
    await make(scripted.port, { sasl }, notices).start();
    await waitFor(() =>
      /the function of the option sasl did not answer within 500 ms/.test(
        notices.join(),
      ),
    );
    scripted.close();
  });

  it('ends with its connection when the server stops answering', async () => {
    const scripted = await ScriptedServer.start({
      connect: () => grant({ sessionTimeoutMs: 500 }),
    });
    const client = make(scripted.port, { sasl: bob });
    await client.start();
    await waitFor(() => scripted.connects.length > 2);
    const startedAt = performance.now();
    await client.close();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    scripted.close();
  });
});

describe('a server that demands a login', () => {
  it('may refuse the first request before it has granted the session', async () => {
    const scripted = await ScriptedServer.start({
      connect: () => {
        for (const connection of scripted.connections) {
          connection.reply(
            XIDS.ping,
            0,
            RESULT_CODES.sessionClosedRequireSaslAuth,
          );
        }
        return grant();
      },
    });
    expect(await refusal(scripted.port, {})).toMatch(
      /serves only clients that prove who they are/,
    );
    scripted.close();
  });

  it('may accept an identity before it refuses the first request, all before the session', async () => {
    const scripted = await ScriptedServer.start({
      connect: () => {
        for (const connection of scripted.connections) {
          connection.reply(XIDS.auth, 0, RESULT_CODES.ok);
          connection.reply(
            XIDS.ping,
            0,
            RESULT_CODES.sessionClosedRequireSaslAuth,
          );
        }
        return grant();
      },
    });
    const credentials = new DigestCredentials('user', 'secret');
    expect(await refusal(scripted.port, { credentials })).toMatch(
      /does not accept the option credentials as proof/,
    );
    scripted.close();
  });
});

describe('credentials', () => {
  it('may be accepted before the session is granted', async () => {
    const scripted = await ScriptedServer.start({
      connect: () => {
        for (const connection of scripted.connections) {
          connection.reply(XIDS.auth, 0, RESULT_CODES.ok);
        }
        return grant();
      },
    });
    const relay = await ByteRelay.start({ targetPort: scripted.port });
    const credentials = new DigestCredentials('user', 'secret');
    await connected(make(relay.port, { credentials }));
    expect(relay.connections).toBe(1);
    relay.close();
    scripted.close();
  });

  // go-zookeeper 3449f0a, kazoo #509
  it('are sent again with every connection, before any request', async () => {
    const relay = await ByteRelay.start({ targetPort: server.port });
    const credentials = new DigestCredentials('user', 'secret');
    const client = await connected(
      make(relay.port, { credentials, acl: 'creator' }),
    );
    await client.create('/closed', 'x', 'ephemeral');
    for (let count = 0; count < 5; count++) {
      const { epoch } = client.connection;
      const read = new Promise((resolve) => {
        const subscription = client.connection$.subscribe((connection) => {
          if (connection.epoch > epoch) {
            resolve(client.get('/closed'));
            setImmediate(() => subscription.unsubscribe());
          }
        });
      });
      relay.cut();
      expect(await read).toMatchObject({ data: 'x' });
    }
    await client.close();
    relay.close();
  });

  // go-zookeeper ff6eb7f
  it('whose answer is lost cost a connection, never the session', async () => {
    let isCutting = false;
    let cuts = 0;
    const relay = await ByteRelay.start({
      targetPort: server.port,
      onReply: (bytes, toClient) => {
        if (isCutting) {
          cuts += 1;
          // The connect answer of 41 bytes goes on, what follows is lost.
          toClient.write(bytes.subarray(0, 41));
          setImmediate(() => toClient.resetAndDestroy());
        } else {
          toClient.write(bytes);
        }
      },
    });
    const credentials = new DigestCredentials('user', 'secret');
    const client = await connected(make(relay.port, { credentials }));
    const { sessionId } = client.connection;
    isCutting = true;
    relay.cut();
    await waitFor(() => cuts >= 20, { timeoutMs: 20_000 });
    isCutting = false;
    await waitFor(() => client.connection.state === 'connected');
    expect(client.connection.sessionId).toBe(sessionId);
    await client.close();
    relay.close();
  });
});
