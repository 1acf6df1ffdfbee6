import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer } from 'node:tls';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { inProject } from '../../../scripts/support/project.mjs';
import {
  judgeClock,
  judgeInstances,
  judgeTimeout,
} from '../../../lib/cli/doctor/session-checks.js';
import { judgeAnswer } from '../../../lib/cli/doctor/server-checks.js';
import { LeaderElection, LeaderElections } from '../../../lib/index.js';
import type { LeaderSession } from '../../../lib/election/leader-session.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const bin = inProject('dist/esm/cli/cli.main.js');

interface Report {
  isWell: boolean;
  findings: { level: string; about: string; text: string; fix?: string }[];
}

let server: ZookeeperServer;
const listening = new Set<Server>();

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  for (const each of listening) {
    each.close();
  }
  listening.clear();
  await closeApplications();
});
afterAll(() => server.close());

async function ask(
  ...args: string[]
): Promise<{ exitCode: number; report: Report }> {
  const child = spawn(
    process.execPath,
    [bin, 'doctor', '--json', '--timeout=4', ...args],
    {
      env: {
        ...process.env,
        ZOOKEEPER_CONNECTION_STRING: server.connectionString,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [out, [exitCode]] = await Promise.all([
    text(child.stdout),
    once(child, 'close'),
  ]);
  return { exitCode: exitCode as number, report: JSON.parse(out) as Report };
}

async function listen(created: Server): Promise<string> {
  listening.add(created);
  await new Promise<void>((resolve) => {
    created.listen(0, '127.0.0.1', resolve);
  });
  return `127.0.0.1:${(created.address() as AddressInfo).port}`;
}

/** What is bad, each with its fix. */
function complaints({ findings }: Report): string[] {
  return findings
    .filter(({ level }) => level === 'bad')
    .map(({ about, text: what, fix }) => `${about}: ${what}. ${fix}`);
}

async function startLeader(basePath: string, instanceId = 'only') {
  const app = await startApplication({
    options: {
      connectionString: server.connectionString,
      basePath,
      instanceId,
    },
  });
  await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  return app;
}

describe('nestjs-zookeeper-leader doctor', () => {
  it('finds nothing to mend where all is well', async () => {
    await startLeader('/doctor-well');
    const { exitCode, report } = await ask('--base-path=/doctor-well');
    expect(complaints(report)).toEqual([]);
    expect({ exitCode, isWell: report.isWell }).toEqual({
      exitCode: 0,
      isWell: true,
    });
    const texts = report.findings.map(({ text: what }) => what);
    expect(texts).toContainEqual(
      expect.stringMatching(/^ZooKeeper \d+\.\d+\.\d+, standalone$/),
    );
    expect(texts).toContain('can be written');
    expect(texts).toContain('this machine and the server agree');
    expect(texts).toContain('10000 ms is granted');
  });

  it('names the server whose name does not exist', async () => {
    const { exitCode, report } = await ask(
      '--connect=no-such-host.invalid:2181',
    );
    expect(exitCode).toBe(8);
    expect(complaints(report)[0]).toMatch(
      /^no-such-host\.invalid:2181: the name no-such-host\.invalid cannot be resolved \(\w+\)\. correct the name/,
    );
  });

  it('names the server that refuses connections, beside one that works', async () => {
    const closed = `127.0.0.1:${await freePort()}`;
    const { exitCode, report } = await ask(
      `--connect=${server.connectionString},${closed}`,
    );
    expect(exitCode).toBe(8);
    expect(complaints(report)).toEqual([
      `${closed}: it refuses connections: nothing listens there. start the server, or correct the port`,
    ]);
  });

  it('tells a server that hangs from one that is not there', async () => {
    const address = await listen(createServer(() => undefined));
    const { report } = await ask(`--connect=${address}`);
    expect(complaints(report)[0]).toMatch(
      /^127\S+: it accepts connections, and says nothing within 3000 ms\. see whether something else/,
    );
    expect(complaints(report)[1]).toMatch(
      /^session: No connection to ZooKeeper/,
    );
  });

  it('recognises a port of something else', async () => {
    const address = await listen(createHttpServer());
    const { report } = await ask(`--connect=${address}`);
    expect(complaints(report)[0]).toMatch(
      /: something that is not ZooKeeper answers: "HTTP\/1\.1 400/,
    );
  });

  it('recognises a port that expects TLS', async () => {
    const address = await listen(createTlsServer({}));
    const { report } = await ask(`--connect=${address}`);
    expect(complaints(report)[0]).toMatch(
      /: it speaks TLS at this port\. use its clientPort, or give the application the option tls$/,
    );
  });

  it('says so when the servers grant another session timeout', async () => {
    const { exitCode, report } = await ask('--session-timeout=600000');
    expect(exitCode).toBe(0);
    expect(report.findings).toContainEqual({
      level: 'note',
      about: 'session timeout',
      text: expect.stringMatching(
        /^the servers grant \d+ ms instead of 600000 ms$/,
      ),
      fix: expect.stringContaining('maxSessionTimeout'),
    });
  });

  it('says that nothing is there yet', async () => {
    const { exitCode, report } = await ask('--base-path=/doctor-nothing');
    expect(exitCode).toBe(0);
    expect(report.findings).toContainEqual({
      level: 'note',
      about: '/doctor-nothing',
      text: 'nothing is there yet',
      fix: expect.stringContaining('basePath'),
    });
  });

  it('asks for credentials where nodes are closed', async () => {
    const app = await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath: '/doctor-closed',
        credentials: { username: 'app', password: 'secret' },
      },
    });
    await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    const { exitCode, report } = await ask('--base-path=/doctor-closed');
    expect(exitCode).toBe(8);
    expect(complaints(report)).toEqual([
      expect.stringMatching(
        /^\/doctor-closed: ZooKeeper refuses: .*ZOOKEEPER_CREDENTIALS/,
      ),
    ]);
  });

  it('finds foreign nodes on the base path', async () => {
    const app = await startLeader('/doctor-foreign');
    const { client } = app.get(LeaderElections).session as LeaderSession;
    await client.create('/doctor-foreign/brokers', '', 'persistent');
    const { report } = await ask('--base-path=/doctor-foreign');
    expect(complaints(report)).toEqual([
      '/doctor-foreign: something else keeps nodes there: brokers. give each application a base path of its own',
    ]);
  });

  it('finds two instances with one id', async () => {
    await startLeader('/doctor-twice', 'web');
    const second = await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath: '/doctor-twice',
        instanceId: 'web',
      },
    });
    await waitFor(
      () => second.get(LeaderElection).leadership.role === 'follower',
    );
    const { report } = await ask('--base-path=/doctor-twice');
    expect(complaints(report)).toEqual([
      'instances: more than one calls itself web. give each an instanceId of its own, or none at all',
    ]);
  });
});

describe('what the doctor makes of', () => {
  const judge = (answer: string) =>
    judgeAnswer('zk', { type: 'text', text: answer }, 3_000);

  it.each([
    [
      'a server without a quorum',
      'This ZooKeeper instance is not currently serving requests\n',
      /^it runs and does not serve: it has no quorum/,
    ],
    [
      'a server that is too old',
      'Zookeeper version: 3.4.14-4c25d480\nMode: follower\n',
      /^version 3\.4 is too old: 3\.6 or newer is needed$/,
    ],
  ])('%s', (_name, answer, expected) => {
    const [found] = judge(answer).filter(({ level }) => level === 'bad');
    expect(found?.text).toMatch(expected);
    expect(found?.fix).toBeTruthy();
  });

  it('a version with a known bug, and a command that is not allowed', () => {
    expect(
      judge('Zookeeper version: 3.8.0-5a02a05\nMode: leader\n'),
    ).toMatchObject([
      { level: 'ok', text: 'ZooKeeper 3.8.0, leader' },
      { level: 'note', text: expect.stringContaining('3.8.0 has lost') },
    ]);
    expect(
      judge('srvr is not executed because it is not in the whitelist.\n'),
    ).toMatchObject([
      { level: 'note', fix: expect.stringContaining('whitelist') },
    ]);
  });

  it('clocks that differ, either way, and no more than is certain', () => {
    expect(judgeClock(10_500, 10_000, 100)).toMatchObject([{ level: 'ok' }]);
    expect(judgeClock(70_000, 10_000, 100)).toMatchObject([
      {
        level: 'bad',
        text: "the server's clock is 60 s ahead of that of this machine",
      },
    ]);
    expect(judgeClock(4_000, 10_000, 100)).toMatchObject([
      {
        level: 'bad',
        text: "the server's clock is 6.0 s behind that of this machine",
      },
    ]);
  });

  it('instances of different versions, and a timeout as it was asked for', () => {
    expect(
      judgeInstances({
        instances: [
          { instanceId: 'a', version: '1.0.0' },
          { instanceId: 'b', version: '1.1.0' },
        ],
      }),
    ).toMatchObject([
      { level: 'note', text: expect.stringContaining('1.0.0, 1.1.0') },
    ]);
    expect(judgeTimeout(10_000, 10_000)).toMatchObject([{ level: 'ok' }]);
  });
});
