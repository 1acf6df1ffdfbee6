import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { Injectable, type INestApplicationContext } from '@nestjs/common';
import {
  LeaderElection,
  LeaderElections,
  LeaderTasks,
  OnlyLeader,
} from '../../../lib/index.js';
import type { ClusterView } from '../../../lib/cluster/cluster-view.interface.js';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { CLI, runCli, type CliResult } from '../../support/run-cli.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(async () => {
  await ProcessInstance.closeAll();
  await closeApplications();
});
afterAll(() => server.close());

@Injectable()
class Reports {
  @OnlyLeader({ task: 'report', ledger: true, scheduled: false })
  async send(): Promise<void> {
    // Done.
  }

  @OnlyLeader({ task: 'broken', ledger: true, scheduled: false })
  async fail(): Promise<void> {
    throw new Error('The printer is on fire');
  }
}

function startReporter(
  basePath: string,
  instanceId: string,
): Promise<INestApplicationContext> {
  return startApplication({
    options: {
      connectionString: server.connectionString,
      basePath,
      instanceId,
    },
    providers: [Reports],
  });
}

/** An instance that leads, and one behind it. */
async function startPair(
  basePath: string,
): Promise<[INestApplicationContext, INestApplicationContext]> {
  const first = await startReporter(basePath, 'first');
  await first.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  const second = await startReporter(basePath, 'second');
  await waitFor(() => second.get(LeaderElection).leadership.role !== 'idle');
  await waitFor(
    async () =>
      (await first.get(LeaderElection).participants())[0]?.leaderSince,
  );
  return [first, second];
}

function run(...args: string[]): Promise<CliResult> {
  return runIn({}, ...args);
}

function runIn(
  env: Record<string, string>,
  ...args: string[]
): Promise<CliResult> {
  const { connectionString } = server;
  return runCli(args, {
    ZOOKEEPER_CONNECTION_STRING: connectionString,
    ...env,
  });
}

describe('nestjs-zookeeper-leader status', () => {
  it('tells who leads, since when, and who comes next', async () => {
    await startPair('/cli-status');
    const { exitCode, out, err } = await run(
      'status',
      '--base-path',
      '/cli-status',
    );
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toMatch(
      /^0 tasks failing · 0 elections without a leader · 2 instances below \/cli-status$/m,
    );
    expect(out).toMatch(
      /^Election "default": first leads since \S+Z \(for [\d.]+ \w+\), fencing token \d+$/m,
    );
    expect(out).toMatch(/^ {2}1\. +first +leads/m);
    expect(out).toMatch(/^ {2}2\. +second +joined \S+Z/m);

    const asJson = await run('--json', 'status', '--base-path=/cli-status');
    const view = JSON.parse(asJson.out) as ClusterView;
    expect(view.elections).toMatchObject([
      {
        election: 'default',
        participants: [{ instanceId: 'first' }, { instanceId: 'second' }],
      },
    ]);
  });

  it('says to whom a balanced election is assigned while another one leads it', async () => {
    let end = (): void => undefined;
    const drained = new Promise<void>((resolve) => (end = resolve));
    const [first, second] = await Promise.all(
      ['first', 'second'].map((instanceId) =>
        startApplication({
          options: {
            connectionString: server.connectionString,
            basePath: '/cli-balance',
            instanceId,
            balance: true,
          },
        }),
      ),
    );
    const isLed = (app: INestApplicationContext | undefined, name: string) =>
      app?.get(LeaderElections).get(name).isLeader();
    for (const app of [first, second]) {
      app?.get(LeaderElections).addDrain(() => drained);
      await waitFor(
        () =>
          app?.get(LeaderElections).session?.client.connection.state ===
          'connected',
      );
    }
    first?.get(LeaderElections).get('a');
    first?.get(LeaderElections).get('b');
    await waitFor(() => isLed(first, 'a') && isLed(first, 'b'));
    second?.get(LeaderElections).get('a');
    second?.get(LeaderElections).get('b');
    const status = await waitFor(async () => {
      const { out } = await run('status', '--base-path=/cli-balance');
      return out.includes('assigned to second') && out;
    });
    expect(status).toMatch(
      /^Election "[ab]": (nobody leads|first leads since .*), assigned to second$/m,
    );
    end();
    await waitFor(
      () =>
        ['a', 'b'].filter((name) => isLed(first, name)).length === 1 &&
        ['a', 'b'].filter((name) => isLed(second, name)).length === 1,
    );
    const after = await run('status', '--base-path=/cli-balance');
    expect(after.out).toMatch(/^Election "[ab]": first leads/m);
    expect(after.out).toMatch(/^Election "[ab]": second leads/m);
    expect(after.out).not.toContain('assigned to');
  });

  it('ends with 5 when an election has no leader', async () => {
    const app = await startReporter('/cli-nobody', 'only');
    const election = app.get(LeaderElection);
    await election.waitForLeadership({ timeoutMs: 10_000 });
    await election.withdraw();
    const { exitCode, out } = await run('status', '--base-path=/cli-nobody');
    expect(exitCode).toBe(5);
    expect(out).toContain('Election "default": nobody leads');
  });

  it('ends with 4 where there is nothing, says what may be wrong, and creates nothing', async () => {
    const { znode_count: before } = await server.counters();
    const { exitCode, out, err } = await run(
      'status',
      '--base-path=/cli-empty',
    );
    expect({ exitCode, out }).toEqual({
      exitCode: 4,
      out: '0 tasks failing · 0 elections without a leader · 0 instances below /cli-empty\n\nNo elections.\n',
    });
    expect(err).toMatch(/^There is nothing below \/cli-empty\. .*--base-path/);
    const { exitCode: asJson, out: json } = await run(
      '--json',
      'status',
      '--base-path=/cli-empty',
    );
    expect(asJson).toBe(4);
    expect(JSON.parse(json)).toMatchObject({ elections: [], instances: [] });
    expect((await server.counters()).znode_count).toBe(before);
  });

  it('ends with 4 when all instances are down, whatever they have left behind', async () => {
    const app = await startReporter('/cli-down', 'only');
    await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    await app.get(Reports).send();
    await app.close();
    const args = ['status', '--base-path=/cli-down'];
    const { exitCode, err } = await run(...args);
    expect({ exitCode, err }).toEqual({
      exitCode: 4,
      err: 'No instance is connected below /cli-down: nobody leads, and nothing runs.\n',
    });
  });

  it('ends with 3 when ZooKeeper cannot be reached, and leaves no process behind', async () => {
    const instance = new ProcessInstance(CLI, {
      args: [
        'status',
        `--connect=127.0.0.1:${await freePort()}`,
        '--timeout=1',
      ],
    });
    expect(await instance.exited).toMatchObject({ code: 3 });
    expect(instance.stderr).toMatch(
      /^No connection to ZooKeeper at 127\S+ within 1 s\. ZooKeeper cannot be reached \(.+\)\.$/m,
    );
    await waitFor(() => instance.survivors().length === 0);
  });

  it('ends at once with 130 when it is interrupted, and leaves no process behind', async () => {
    // Takes connections and says nothing.
    const mute = createServer().listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    const connected = once(mute, 'connection');
    const instance = new ProcessInstance(CLI, {
      args: ['status', `--connect=127.0.0.1:${port}`],
    });
    await connected;
    expect(await instance.terminate()).toEqual({ code: 130, signal: null });
    expect(instance.stderr).toBe('Interrupted.\n');
    await waitFor(() => instance.survivors().length === 0);
    mute.close().unref();
  });
});

describe('nestjs-zookeeper-leader with credentials', () => {
  it('sees and steers what is closed to others, to whom it ends with 3', async () => {
    const app = await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath: '/cli-closed',
        instanceId: 'only',
        credentials: { username: 'app', password: 'secret:word' },
      },
    });
    const election = app.get(LeaderElection);
    const { fencingToken } = await election.waitForLeadership({
      timeoutMs: 10_000,
    });
    const args = ['--base-path=/cli-closed'];
    const credentials = { ZOOKEEPER_CREDENTIALS: 'app:secret:word' };
    const status = await waitFor(async () => {
      const result = await runIn(credentials, 'status', ...args);
      return result.exitCode === 0 ? result : undefined;
    });
    expect(status.out).toContain('only leads');
    for (const command of [['status'], ['watch'], ['resign', 'default']]) {
      const refused = await run(...command, ...args);
      expect(refused).toMatchObject({ exitCode: 3, out: '' });
      expect(refused.err).toContain('without credentials');
    }
    expect(election.leadership).toMatchObject({ term: { fencingToken } });
    const resigned = await runIn(credentials, 'resign', 'default', ...args);
    expect(resigned).toMatchObject({ exitCode: 0, err: '' });
  });
});

describe('nestjs-zookeeper-leader history', () => {
  it('tells the runs that the ledger of a task remembers', async () => {
    const [first] = await startPair('/cli-history');
    await first.get(Reports).send();
    await waitFor(async () => {
      const [last] = await first.get(LeaderTasks).history('report');
      return last?.outcome === 'finished';
    });
    const { exitCode, out } = await run(
      'history',
      'report',
      '--base-path=/cli-history',
    );
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^TICK +OUTCOME +DURATION +ATTEMPT +TOKEN +INSTANCE$/m);
    expect(out).toMatch(/^\S+Z +finished +\d+ ms +1 +\d+ +first$/m);
    const status = await run('status', '--base-path=/cli-history');
    expect(status.out).toMatch(
      /^ {2}report +\S+Z {2}finished in \d+ ms on first$/m,
    );
  });

  it('ends with 4 for a task that has no ledger', async () => {
    const { exitCode, err } = await run('history', 'nothing');
    expect(exitCode).toBe(4);
    expect(err).toContain('There is no run ledger of a task "nothing"');
  });
});

describe('nestjs-zookeeper-leader tasks and ledgers', () => {
  it('tell how tasks do, those that fail first, and forget a ledger', async () => {
    const [first] = await startPair('/cli-tasks');
    const args = ['--base-path=/cli-tasks'];
    await first.get(Reports).send();
    const well = await run('tasks', ...args);
    expect(well).toMatchObject({ exitCode: 0, err: '' });
    expect(well.out).toMatch(/^0 of 2 tasks failing$/m);
    await first
      .get(Reports)
      .fail()
      .catch(() => undefined);
    await waitFor(async () => {
      const [last] = await first.get(LeaderTasks).history('broken');
      return last?.outcome === 'failed';
    });
    const { exitCode, out } = await run('tasks', ...args);
    expect(exitCode).toBe(7);
    expect(out).toMatch(/^1 of 2 tasks failing$/m);
    expect(out).toMatch(
      /^broken +failed +none known +The printer is on fire\nreport +well +\S+Z \(.* ago\)$/m,
    );
    const asJson = await run('tasks', '--json', ...args);
    expect(JSON.parse(asJson.out)).toMatchObject([
      { task: 'broken', isFailing: true, error: 'The printer is on fire' },
      { task: 'report', isFailing: false },
    ]);

    const listed = await run('ledgers', '--json', ...args);
    expect(JSON.parse(listed.out)).toMatchObject([
      { task: 'report', znode: '/cli-tasks/tasks/report', runs: 1 },
      { task: 'broken', runs: 1 },
    ]);
    const removed = await run('ledgers', 'remove', 'broken', ...args);
    expect(removed).toMatchObject({ exitCode: 0, err: '' });
    const after = await run('tasks', '--json', ...args);
    expect(after.exitCode).toBe(0);
    const again = await run('ledgers', 'remove', 'broken', ...args);
    expect(again.exitCode).toBe(4);
  });
});

describe('nestjs-zookeeper-leader steers', () => {
  it('runs a task on the leader, pauses and resumes it, and writes down who did', async () => {
    const [first] = await startPair('/cli-steer');
    const args = ['--base-path=/cli-steer'];
    const ran = await run(
      'run',
      '--on-leader',
      'report',
      '--on-leader',
      ...args,
    );
    expect(ran).toMatchObject({ exitCode: 0, err: '' });
    expect(ran.out).toMatch(/^"report" on first: finished in \d+ ms$/m);
    const [last] = await first.get(LeaderTasks).history('report');
    expect(last?.requestedBy).toMatch(/.@./);
    const failed = await run('run', '--on-leader', 'broken', ...args);
    expect(failed.exitCode).toBe(7);
    expect(failed.out).toContain('failed');
    expect(failed.out).toContain('The printer is on fire');

    const paused = await run(
      'pause',
      'report',
      '--reason=double charges',
      ...args,
    );
    expect(paused).toMatchObject({ exitCode: 0, err: '' });
    expect(paused.out).toMatch(/^"report" is paused by .*: double charges$/m);
    const refused = await run('run', '--on-leader', 'report', ...args);
    expect(refused.exitCode).toBe(7);
    expect(refused.out).toContain('skipped (paused)');
    const forced = await run(
      'run',
      '--on-leader',
      'report',
      '--force',
      ...args,
    );
    expect(forced.exitCode).toBe(0);
    const resumed = await run('resume', 'report', ...args);
    expect(resumed.out).toBe('"report" is resumed.\n');
    const again = await run('resume', 'report', '--json', ...args);
    expect(JSON.parse(again.out)).toEqual({ task: 'report', wasPaused: false });

    const { out } = await run('audit', '--json', ...args);
    expect(
      (JSON.parse(out) as { action: string; outcome: string }[]).map(
        ({ action, outcome }) => `${action}: ${outcome}`,
      ),
    ).toEqual([
      'run-task: finished',
      'run-task: failed',
      expect.stringMatching(/^pause-task: Paused by /),
      'run-task: skipped',
      'run-task: finished',
      'resume-task: Resumed.',
      'resume-task: It was not paused.',
    ]);
  });

  it('says where nothing is known of a task that it pauses', async () => {
    await startReporter('/cli-pause-unknown', 'only');
    const args = ['--base-path=/cli-pause-unknown'];
    const unknown = await run('pause', 'reprot', ...args);
    expect(unknown.err).toMatch(
      /Nothing is recorded of a task "reprot" below \/cli-pause-unknown: .*--base-path/,
    );
  });

  it('ends with 5 where nobody leads, and with 6 where nobody has the task', async () => {
    const app = await startReporter('/cli-run-nobody', 'only');
    await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    const args = ['--base-path=/cli-run-nobody', '--timeout=2'];
    const unknown = await run('run', '--on-leader', 'nothing', ...args);
    expect(unknown.exitCode).toBe(6);
    expect(unknown.err).toContain('nobody took it within 2000 ms');
    await app.get(LeaderElection).withdraw();
    const leaderless = await run('run', '--on-leader', 'report', ...args);
    expect(leaderless.exitCode).toBe(5);
    expect(leaderless.err).toContain('Nobody leads');
  });

  it('drains an instance, whose place another takes, until it is undrained', async () => {
    const [first, second] = await startPair('/cli-drain');
    const args = ['--base-path=/cli-drain'];
    expect((await run('drain', 'nobody', ...args)).exitCode).toBe(4);
    const drained = await run('drain', 'first', ...args);
    expect(drained).toEqual({
      exitCode: 0,
      out: 'first leaves all elections until it is undrained.\n',
      err: '',
    });
    await waitFor(() => second.get(LeaderElection).isLeader());
    expect(first.get(LeaderElection).leadership).toMatchObject({
      role: 'idle',
      reason: 'withdrawn',
    });
    // Also an election that it begins to use only now.
    const late = first.get(LeaderElections).get('late');
    await waitFor(() => late.leadership.reason === 'withdrawn');
    await run('undrain', 'first', ...args);
    await waitFor(() => late.isLeader());
    await waitFor(
      () => first.get(LeaderElection).leadership.role === 'follower',
    );
  });
});

describe('nestjs-zookeeper-leader resign', () => {
  it('has the next in line lead, and waits until it does', async () => {
    const [first, second] = await startPair('/cli-resign');
    const { exitCode, out } = await run(
      'resign',
      'default',
      '--base-path=/cli-resign',
    );
    expect(exitCode).toBe(0);
    expect(out).toMatch(
      /^first has resigned; second leads, fencing token \d+\.$/m,
    );
    expect(second.get(LeaderElection).isLeader()).toBe(true);
    expect(first.get(LeaderElection).isLeader()).toBe(false);
  });

  it('ends with 4 for an election that does not exist', async () => {
    expect((await run('resign', 'nothing')).exitCode).toBe(4);
  });
});

describe('nestjs-zookeeper-leader watch', () => {
  it('tells every change, until it is interrupted', async () => {
    const [first] = await startPair('/cli-watch');
    const watching = new ProcessInstance(CLI, {
      args: ['watch', '--json', '--base-path=/cli-watch'],
      env: { ZOOKEEPER_CONNECTION_STRING: server.connectionString },
    });
    await watching.waitForEvent(
      'leader',
      ({ instanceId }) => instanceId === 'first',
    );
    await first.get(Reports).send();
    await watching.waitForEvent('run', ({ outcome }) => outcome === 'finished');
    await first.close();
    await watching.waitForEvent(
      'leader',
      ({ instanceId }) => instanceId === 'second',
    );
    await watching.waitForEvent(
      'left',
      ({ instanceId }) => instanceId === 'first',
    );
    // The new leader has been there all the while.
    const ofSecond = watching.events.filter(
      ({ type, instanceId }) => type !== 'run' && instanceId === 'second',
    );
    expect(ofSecond.map(({ type }) => type)).toEqual(['joined', 'leader']);
    expect(await watching.terminate()).toEqual({ code: 0, signal: null });
    await waitFor(() => watching.survivors().length === 0, {
      description: 'its processes to end',
    });
  });
});

describe('nestjs-zookeeper-leader', () => {
  it('ends with 2 for wrong arguments, and says what is wrong', async () => {
    const unknown = await run('lead');
    expect(unknown).toMatchObject({ exitCode: 2, out: '' });
    expect(unknown.err).toContain("unknown command 'lead'");
    expect((await run('status', '--timeout=soon')).exitCode).toBe(2);
    const path = await run('status', '--base-path=relative');
    expect(path.exitCode).toBe(2);
    expect(path.err).toMatch(/^option basePath/);
    for (const credentials of ['app', ':secret', 'app:']) {
      const refused = await runIn(
        { ZOOKEEPER_CREDENTIALS: credentials },
        'status',
      );
      expect(refused).toEqual({
        exitCode: 2,
        out: '',
        err: 'ZOOKEEPER_CREDENTIALS has to be username:password, neither of them empty.\n',
      });
    }
    expect((await run()).exitCode).toBe(2);
  });

  it('explains itself', async () => {
    const { exitCode, out } = await run('--help');
    expect(exitCode).toBe(0);
    for (const word of ['status', 'watch', 'history', 'resign', '--json']) {
      expect(out).toContain(word);
    }
  });

  it.each(['status', 'watch', 'history', 'resign'])(
    'explains %s with the options that all commands have',
    async (command) => {
      const { exitCode, out } = await run(command, '--help');
      expect(exitCode).toBe(0);
      for (const option of [
        '--connect',
        '--base-path',
        '--json',
        '--timeout',
      ]) {
        expect(out).toContain(option);
      }
    },
  );

  it('hands no control characters of somebody else to the terminal', async () => {
    await startReporter('/cli-control', 'evil\u202e');
    const { out } = await waitFor(async () => {
      const result = await run('status', '--base-path=/cli-control');
      return result.out.includes('evil') ? result : undefined;
    });
    // oxlint-disable-next-line no-control-regex -- that is what it is about
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});
