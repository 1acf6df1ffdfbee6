import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { LeaderElection } from '../../../lib/index.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const SESSION_TIMEOUT_MS = 3_000;

let server: ZookeeperServer;
let proxy: TcpProxy;
const listening = new Set<Server>();

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await closeApplications();
  proxy?.close();
  for (const each of listening) {
    each.close();
  }
  listening.clear();
});
afterAll(() => server.close());

/** An application that leads, with a proxy between it and ZooKeeper. */
async function startLeader(basePath: string) {
  proxy = await TcpProxy.start({ targetPort: server.port });
  const logger = new MemoryLogger();
  const app = await startApplication({
    options: {
      connectionString: proxy.connectionString,
      basePath,
      instanceId: 'web',
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      guardian: false,
    },
    logger,
  });
  const election = app.get(LeaderElection);
  await election.waitForLeadership({ timeoutMs: 10_000 });
  return { app, election, logger };
}

async function line(logger: MemoryLogger, pattern: RegExp): Promise<string> {
  return waitFor(
    () => logger.messages().find((message) => pattern.test(message)),
    { timeoutMs: 20_000, description: `a log line ${pattern}` },
  );
}

describe('the log', () => {
  it('says with what a lease has ended, and how long a reconnect took', async () => {
    const { election, logger } = await startLeader('/log-lease');
    proxy.hold();
    const end = await line(logger, /no longer leads/);
    expect(end).toMatch(
      /^web no longer leads the election "default" \(lease-expired\), fencing token \d+; the last write that ZooKeeper acknowledged was sent at \S+Z, [\d.]+ s ago; the next one (is not answered yet|has failed: .*(connection|ZooKeeper).*)$/,
    );
    proxy.release();
    expect(await line(logger, /^Connected .* again/)).toMatch(
      /again after [\d.]+ m?s, (same )?session 0x\w+, session timeout 3000 ms$/,
    );
    await election.waitForLeadership({ timeoutMs: 20_000 });
  });

  it('names a write that was slower than two thirds of the session timeout', async () => {
    const { logger } = await startLeader('/log-slow');
    // Later and later, and never silent for long: nobody takes that for an outage.
    for (const share of [0.3, 0.6, 0.9]) {
      const before = proxy.replies().length;
      proxy.delay(SESSION_TIMEOUT_MS * share, 'replies');
      await waitFor(() => proxy.replies().length > before + 2);
    }
    expect(await line(logger, /^ZooKeeper took .* more than/)).toMatch(
      /^ZooKeeper took \d+ ms to acknowledge a heartbeat, .* more than two thirds of the session timeout of 3000 ms: this instance cannot lead meanwhile$/,
    );
    // What goes on is not told with every write.
    expect(
      logger.messages().filter((message) => /more than two/.test(message)),
    ).toHaveLength(1);
  });

  it('does not say that an instance tries again while it leaves', async () => {
    const { app, logger } = await startLeader('/log-leaving');
    proxy.cut();
    proxy.refuse();
    await line(logger, /^ZooKeeper cannot be reached .*; trying again/);
    const before = logger.entries.length;
    await app.close();
    const after = logger.messages().slice(before);
    expect(after.join('\n')).toMatch(/the election "default" \(shutdown\)/);
    expect(after.join('\n')).not.toMatch(/trying again/);
  });

  it.each([
    [
      'that refuses',
      async () => freePort(),
      /127\.0\.0\.1:\d+ refused the connection: nothing listens there/,
    ],
    [
      'that does not answer',
      async () => listen(createServer(() => undefined)),
      /127\.0\.0\.1:\d+ did not answer (in|within) /,
    ],
    [
      'that hangs up',
      async () => listen(createServer((socket) => socket.destroy())),
      /127\.0\.0\.1:\d+ (hung up without an answer: it does not serve now|reset the connection)/,
    ],
  ])('tells a server %s from others', async (_name, make, expected) => {
    const logger = new MemoryLogger();
    await startApplication({
      options: {
        connectionString: `127.0.0.1:${await make()}`,
        // Long enough to hear of the end of a connection before it is given up.
        sessionTimeoutMs: 10_000,
        guardian: false,
      },
      logger,
    });
    expect(await line(logger, /^ZooKeeper cannot be reached/)).toMatch(
      expected,
    );
  });
});

async function listen(created: Server): Promise<number> {
  listening.add(created);
  await new Promise<void>((resolve) => {
    created.listen(0, '127.0.0.1', resolve);
  });
  return (created.address() as AddressInfo).port;
}
