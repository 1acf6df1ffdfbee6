import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { aclOf } from '../../support/secured-tree.js';
import { parseAudit } from '../../../lib/operations/audit-log.js';
import {
  TaskBench,
  type BenchInstance,
  type BenchOptions,
} from '../../support/task-bench.js';
import { waitFor } from '../../support/wait-for.js';
import { OPEN_ACL } from '../../support/wire-records.js';
import type { ZookeeperServer } from '../../support/zookeeper-server.js';

const NO_AUTH = { code: 'NO_AUTH' };
const READ_ONLY = [{ permissions: 17, scheme: 'world', id: 'anyone' }];

let server: ZookeeperServer;
let bench: TaskBench;
let benches = 0;

beforeAll(async () => {
  server = await TaskBench.startServer();
});
afterEach(() => bench.close());
afterAll(() => server.close());

function setUp(options: BenchOptions): void {
  benches += 1;
  bench = new TaskBench(server, `/operations-${benches}`, options);
}

function skips({ events }: BenchInstance): string[] {
  return events.flatMap((event) =>
    event.type === 'skipped' ? [event.reason] : [],
  );
}

describe('a pause', () => {
  it('that another instance has made holds for a claim that had not seen it', async () => {
    setUp({ ledger: { missedTicks: 'all' } });
    const [a, b] = [await bench.start('A'), await bench.start('B')];
    await b.tasks.pause('task', { reason: 'an incident', by: 'anna' });
    bench.now = '2026-01-01T12:01:00Z';
    await a.fire();
    expect(skips(a)).toEqual(['paused']);
    // It survives the leader, and a restart.
    await a.election.resign();
    await b.election.waitForLeadership({ timeoutMs: 10_000 });
    bench.now = '2026-01-01T12:02:00Z';
    await b.fire();
    expect(bench.runs).toEqual([]);
    expect(b.events.at(-1)).toMatchObject({
      pause: { by: 'anna', reason: 'an incident' },
    });
    await a.tasks.resume('task', { catchUp: true });
    await waitFor(() => bench.runs.length === 2);
    expect(bench.ticks).toEqual(['B 12:01', 'B 12:02']);
  });

  it('of a task without a ledger reaches the leader, and the next one', async () => {
    setUp({});
    const [a, b] = [await bench.start('A'), await bench.start('B')];
    await b.tasks.pause('task');
    await waitFor(() => a.tasks.list()[0]?.paused);
    await a.fire();
    expect(skips(a)).toEqual(['paused']);
    await a.election.resign();
    await b.election.waitForLeadership({ timeoutMs: 10_000 });
    await b.fire();
    expect(bench.runs).toEqual([]);
    await a.tasks.resume('task');
    await waitFor(() => b.tasks.list()[0]?.paused === undefined);
    await b.fire();
    expect(bench.runs).toMatchObject([{ by: 'B' }]);
  });
});

describe('with credentials', () => {
  const credentials = { username: 'app', password: 'correct horse' };

  it.each([true, false])(
    'a pause holds and nobody else can end it (ledger: %s)',
    async (ledger) => {
      setUp({ ledger });
      const a = await bench.start('A', { credentials });
      const b = await bench.start('B', { credentials });
      await b.tasks.pause('task', { reason: 'an incident', by: 'anna' });
      await waitFor(() => ledger || a.tasks.list()[0]?.paused);
      bench.now = '2026-01-01T12:01:00Z';
      await a.fire();
      expect(skips(a)).toEqual(['paused']);
      await bench.inspect(async (zk) => {
        const { username, password } = credentials;
        await expect(zk.setData(bench.ledgerPath, '{}')).rejects.toMatchObject(
          NO_AUTH,
        );
        await zk.addAuth('digest', `${username}:${password}`);
        expect(await zk.getACL(bench.ledgerPath)).toEqual(aclOf(credentials));
      });
      await expect(a.tasks.pauseOf('task')).resolves.toMatchObject({
        by: 'anna',
      });
      await b.tasks.resume('task', { catchUp: true });
      await waitFor(() => a.tasks.list()[0]?.paused === undefined);
      bench.now = '2026-01-01T12:02:00Z';
      await a.fire();
      expect(bench.ticks.at(-1)).toBe('A 12:02');
    },
  );

  it('a run on request is taken, by an instance that has them too', async () => {
    setUp({ ledger: true });
    await bench.start('A', { credentials });
    const b = await bench.start('B', { credentials });
    await expect(b.tasks.runOnLeader('task')).resolves.toMatchObject({
      instanceId: 'A',
      outcome: 'finished',
    });
  });
});

describe('a run on request', () => {
  it('happens on the leader, whichever instance asks, and leaves no node', async () => {
    setUp({ ledger: true });
    const [a, b] = [await bench.start('A'), await bench.start('B')];
    const answers = await Promise.all([
      b.tasks.runOnLeader('task', { by: 'anna' }),
      // It waits for the end of the other one, or is refused as an overlap.
      a.tasks.runOnLeader('task', { by: 'bob', force: true }),
    ]);
    expect(answers).toMatchObject([
      { instanceId: 'A', outcome: 'finished' },
      { instanceId: 'A', outcome: 'finished' },
    ]);
    expect(bench.runs.map(({ by, trigger }) => `${by} ${trigger}`)).toEqual([
      'A requested',
      'A requested',
    ]);
    await waitFor(async () => {
      const history = await b.tasks.history('task');
      return history.every(({ outcome }) => outcome === 'finished');
    });
    const history = await b.tasks.history('task');
    expect(new Set(history.map(({ requestedBy }) => requestedBy))).toEqual(
      new Set(['anna', 'bob']),
    );
    const left = await bench.inspect((zk) =>
      zk.getChildren(`${bench.basePath}/requests`),
    );
    expect(left).toEqual([]);
  });

  it('without the permission to ask is refused, and was not run', async () => {
    setUp({ ledger: true });
    const [, b] = [await bench.start('A'), await bench.start('B')];
    const requests = `${bench.basePath}/requests`;
    await waitFor(() => bench.inspect((zk) => zk.exists(requests)));
    await bench.inspect((zk) => zk.setACL(requests, READ_ONLY));
    await expect(b.tasks.runOnLeader('task')).rejects.toMatchObject({
      code: 'NO_PERMISSION',
    });
    expect(bench.runs).toEqual([]);
    await bench.inspect((zk) => zk.setACL(requests, OPEN_ACL));
    await expect(b.tasks.runOnLeader('task')).resolves.toMatchObject({
      outcome: 'finished',
    });
  });

  it('is written down with the one who asked, as pauses and resumes are, and nothing else is', async () => {
    setUp({ ledger: true });
    const a = await bench.start('A');
    await a.tasks.pause('task', { by: 'anna', reason: 'an incident' });
    await a.tasks.resume('task', { by: 'bob' });
    await a.tasks.runOnLeader('task', { by: 'carla' });
    // A program that asks by itself pushes out nothing that people have done.
    await a.tasks.runOnLeader('task');
    await a.tasks.pause('task');
    const { data } = await bench.inspect((zk) =>
      zk.getData(`${bench.basePath}/audit`),
    );
    expect(
      parseAudit(data.toString()).map(
        ({ by, action, target, outcome, from }) =>
          `${by} ${action} ${target}: ${outcome}, from ${from}`,
      ),
    ).toEqual([
      'anna pause-task task: paused by anna, from the application on A',
      'bob resume-task task: resumed, from the application on A',
      'carla run-task task: finished on A, from the application on A',
      'A pause-task task: paused by A, from the application on A',
    ]);
  });

  it('that nobody takes is refused, and was not run', async () => {
    setUp({ ledger: true });
    const a = await bench.start('A', { isProxied: true });
    await a.election.withdraw();
    await expect(a.tasks.runOnLeader('task')).rejects.toMatchObject({
      code: 'NO_LEADER',
    });
    expect(bench.runs).toEqual([]);
  });
});
