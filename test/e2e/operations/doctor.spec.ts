import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
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
import { LeaderElection } from '../../../lib/index.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const bin = inProject('dist/esm/cli/cli.main.js');

interface Report {
  isWell: boolean;
  findings: { level: string; about: string; text: string; fix?: string }[];
}

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(() => closeApplications());
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

/** What is bad, each with its fix. */
function problems({ findings }: Report): string[] {
  return findings
    .filter(({ level }) => level === 'bad')
    .map(({ about, text: what, fix }) => `${about}: ${what}. ${fix}`);
}

describe('nestjs-zookeeper-leader doctor', () => {
  it('finds nothing to mend where all is well', async () => {
    const app = await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath: '/doctor-well',
      },
    });
    await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    const { exitCode, report } = await ask('--base-path=/doctor-well');
    expect(problems(report)).toEqual([]);
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

  it('names the server that refuses connections, beside one that works', async () => {
    const closed = `127.0.0.1:${await freePort()}`;
    const { exitCode, report } = await ask(
      `--connect=${server.connectionString},${closed}`,
    );
    expect(exitCode).toBe(8);
    expect(problems(report)).toEqual([
      `${closed}: it refuses connections: nothing listens there. start the server, or correct the port`,
    ]);
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
});

describe('what the doctor makes of', () => {
  const judge = (answer: string) =>
    judgeAnswer('zk', { type: 'text', text: answer }, 3_000);

  it('versions with known bugs, and a command that is not allowed', () => {
    const notesOf = (version: string): string[] =>
      judge(`Zookeeper version: ${version}-5a02a05\nMode: leader\n`)
        .filter(({ level }) => level === 'note')
        .map(({ text: what }) => what);
    expect(notesOf('3.8.0')).toEqual([
      expect.stringContaining('3.8.0 has lost'),
      expect.stringContaining('CVE-2023-44981'),
      expect.stringContaining('CVE-2024-23944'),
    ]);
    expect(notesOf('3.9.1')).toEqual([
      expect.stringContaining('CVE-2024-23944'),
    ]);
    expect(notesOf('3.7.2')).toEqual([
      expect.stringContaining('CVE-2024-23944'),
      expect.stringContaining('maintained'),
    ]);
    expect(notesOf('3.9.4')).toEqual([]);
    expect(
      judge('srvr is not executed because it is not in the whitelist.\n'),
    ).toMatchObject([
      { level: 'note', fix: expect.stringContaining('whitelist') },
    ]);
  });

  it('the server for development', () => {
    expect(
      judge('Zookeeper version: 3.9-testing-server\nMode: standalone\n'),
    ).toMatchObject([
      { level: 'note', text: expect.stringContaining('fake ZooKeeper') },
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
