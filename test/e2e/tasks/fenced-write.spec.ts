import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  expect,
  it,
} from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { extractCode } from '../../../scripts/support/extract-code.mjs';
import { PostgresServer } from '../../support/postgres-server.js';
import type { ProcessInstance } from '../../support/process-instance.js';
import { TaskInstances } from '../../support/task-instances.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let database: PostgresServer;
/** The statements of the documentation. */
let schema = '';
let fence = '';
let tick = '';
let instances: TaskInstances;
let tests = 0;

beforeAll(async () => {
  const page = new URL('../../../docs/tasks.md', import.meta.url);
  const blocks = extractCode(await readFile(page, 'utf8'), 'sql');
  [schema = '', fence = '', tick = ''] = blocks;
  [server, database] = await Promise.all([
    ZookeeperServer.start(),
    PostgresServer.start(),
  ]);
}, 60_000);
beforeEach(async () => {
  tests += 1;
  await database.query(`
    drop schema public cascade; create schema public; ${schema}
    create table report (is_fenced boolean, written int, writer text);
    insert into report values (true, 0, 'nobody'), (false, 0, 'nobody')`);
  instances = new TaskInstances(
    {
      connectionString: server.connectionString,
      basePath: `/fenced-write-${tests}`,
      sessionTimeoutMs: 2_000,
      // A stopped process does not lead for longer.
      maxStallMs: 1_000,
    },
    [
      {
        task: 'report',
        intervalMs: 300,
        options: { ledger: { interruptedRun: 'rerun' }, overlap: 'skip' },
        work: new URL('../../support/fenced-work.mjs', import.meta.url).href,
      },
    ],
  );
});
afterEach(() => instances.close());
afterAll(() => Promise.all([server.close(), database.close()]));

function join(writer: string): Promise<ProcessInstance> {
  return instances.join({
    env: {
      DATABASE_URL: database.url,
      FENCE: fence,
      TICK: tick,
      WRITER: writer,
    },
  });
}

function report(): Promise<Record<string, unknown>[]> {
  return database.query('select * from report order by is_fenced');
}

const LONG = { timeoutMs: 20_000 };

it('the fence refuses the write of a leader that was paused in mid-run', async () => {
  const a = await join('A');
  const b = await join('B');
  await a.waitForEvent('at work', () => true, LONG);
  await a.pause();
  await b.waitForEvent('at work', ({ attempt }) => attempt === 2, LONG);
  b.send({ go: true });
  const second = await b.waitForEvent('written', () => true, LONG);
  expect(second).toMatchObject({ attempt: 2, isCurrent: true, isNew: true });
  a.send({ go: true });
  a.resume();
  const first = await a.waitForEvent('written', () => true, LONG);
  expect(first).toMatchObject({ attempt: 1, isCurrent: false });
  await expect(report()).resolves.toEqual([
    // What would have happened without.
    { is_fenced: false, written: 2, writer: 'A' },
    { is_fenced: true, written: 1, writer: 'B' },
  ]);
});

it('a run that was killed after its commit and is run again writes nothing more', async () => {
  const a = await join('A');
  const b = await join('B');
  await a.waitForEvent('at work', () => true, LONG);
  a.send({ go: true });
  await a.waitForEvent('written', ({ isNew }) => isNew === true, LONG);
  await a.kill();
  await b.waitForEvent('at work', ({ attempt }) => attempt === 2, LONG);
  b.send({ go: true });
  const again = await b.waitForEvent('written', () => true, LONG);
  expect(again).toMatchObject({ attempt: 2, isCurrent: true, isNew: false });
  await expect(report()).resolves.toEqual([
    { is_fenced: false, written: 2, writer: 'B' },
    { is_fenced: true, written: 1, writer: 'A' },
  ]);
});
