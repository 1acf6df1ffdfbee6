import { describe, expect, it } from '@jest/globals';
import {
  TaskBench,
  type BenchInstance,
  type BenchOptions,
} from '../../support/task-bench.js';
import { useTaskBench } from '../../support/use-task-bench.js';
import { waitFor } from '../../support/wait-for.js';
import { OPEN_ACL } from '../../support/wire-records.js';

const READ_ONLY = [{ permissions: 17, scheme: 'world', id: 'anyone' }];

let bench: TaskBench;
const newBench = useTaskBench();

async function start(
  options: BenchOptions = {},
  own: Parameters<TaskBench['start']>[1] = {},
): Promise<BenchInstance> {
  bench = newBench({
    ledger: { missedTicks: 'all' },
    ...options,
  });
  const a = await bench.start('A', own);
  bench.now = '2026-01-01T12:01:00Z';
  await a.fire();
  await waitFor(async () => {
    const [last] = await a.tasks.history('task');
    return last?.outcome === 'finished';
  });
  // A new leader may have caught up on that tick before it was called for, which
  // then skipped the call.
  a.events.length = 0;
  return a;
}

function skips({ events }: BenchInstance): string[] {
  return events.flatMap((event) =>
    event.type === 'skipped' ? [event.reason] : [],
  );
}

describe('a ledger out of reach', () => {
  it('delays a tick for as long as leadership lasts', async () => {
    const a = await start({}, { isProxied: true });
    a.proxy?.refuse();
    a.proxy?.cut();
    bench.now = '2026-01-01T12:02:00Z';
    const fired = a.fire();
    await a.proxy?.accept();
    await fired;
    expect(bench.ticks).toEqual(['A 12:01', 'A 12:02']);
    expect(skips(a)).toEqual([]);
  });

  it('lets no tick run; it is said loudly, and made up for when it is back', async () => {
    const a = await start(
      { expression: '* * * * * *' },
      { isProxied: true, sessionTimeoutMs: 2_000 },
    );
    bench.runs.length = 0;
    a.proxy?.drop();
    bench.now = '2026-01-01T12:01:01Z';
    await a.fire();
    expect(bench.runs).toEqual([]);
    expect(skips(a)).toEqual(['ledger-unavailable']);
    expect(bench.logger.messages('error')).toEqual([
      expect.stringMatching(
        /"task" does not run a tick \(2026-01-01T12:01:01.000Z\), because its run ledger .* is not available/,
      ),
    ]);
    await a.proxy?.heal();
    a.proxy?.cut();
    await waitFor(() => bench.runs.length > 0, { timeoutMs: 20_000 });
    expect(bench.runs).toMatchObject([{ tick: '12:01', trigger: 'missed' }]);
  });

  it('without the permission to write lets no tick run until there is one', async () => {
    const a = await start();
    await bench.inspect((zk) => zk.setACL(bench.ledgerPath, READ_ONLY));
    bench.now = '2026-01-01T12:02:00Z';
    await a.fire();
    expect(skips(a)).toEqual(['ledger-unavailable']);
    expect(bench.logger.messages('error')).toEqual([
      expect.stringMatching(/does not run a tick .*: set .* closed to clients/),
    ]);
    await bench.inspect((zk) => zk.setACL(bench.ledgerPath, OPEN_ACL));
    // By itself, without another tick.
    await waitFor(() => bench.runs.length === 2);
    expect(bench.runs[1]).toMatchObject({ tick: '12:02', trigger: 'missed' });
  });

  it('at the end of a run is logged, and the next leader finds the run interrupted', async () => {
    const a = await start();
    bench.work = () =>
      bench.inspect((zk) => zk.setACL(bench.ledgerPath, READ_ONLY));
    bench.now = '2026-01-01T12:02:00Z';
    await a.fire();
    await waitFor(() => bench.logger.messages('error').length > 0);
    expect(bench.logger.messages('error')).toEqual([
      expect.stringMatching(
        /The end of a run of the leader task "task" \(tick .*, finished\) could not be recorded/,
      ),
    ]);
    await bench.inspect((zk) => zk.setACL(bench.ledgerPath, OPEN_ACL));
    const b = await bench.start('B');
    await a.close();
    await waitFor(() => b.events.length > 0);
    expect(b.events[0]).toMatchObject({ type: 'interrupted', attempt: 1 });
  });
});

describe('a corrupt ledger', () => {
  const foreign = [
    ['not JSON', 'somebody else was here', /it is not JSON/],
    ['no ledger', '{"hello":"world"}', /it is not a run ledger/],
    ['a later format', '{"format":"run-ledger/9"}', /its format is/],
    ['empty', '', /it is not JSON/],
  ] as const;

  it.each(foreign)(
    '(%s) is left as it is, and no tick is run',
    async (_, data, message) => {
      const a = await start();
      await bench.inspect((zk) => zk.setData(bench.ledgerPath, data));
      bench.now = '2026-01-01T12:02:00Z';
      await a.fire();
      expect(skips(a)).toEqual(['ledger-unavailable']);
      expect(bench.logger.messages('error')).toEqual([
        expect.stringMatching(message),
      ]);
      expect(bench.logger.messages('error')[0]).toContain(bench.ledgerPath);
      await expect(a.tasks.history('task')).rejects.toMatchObject({
        code: 'LEDGER_CORRUPT',
      });
      const found = await bench.inspect((zk) => zk.getData(bench.ledgerPath));
      expect(found.data.toString()).toBe(data);
      expect(bench.ticks).toEqual(['A 12:01']);
      // Somebody has looked at it, and removed it.
      await bench.inspect((zk) => zk.delete(bench.ledgerPath));
      await waitFor(() => bench.runs.length === 2);
      expect(bench.ticks).toEqual(['A 12:01', 'A 12:02']);
    },
  );

  it('but of another task is not touched either', async () => {
    const a = await start();
    const { data } = await bench.inspect((zk) => zk.getData(bench.ledgerPath));
    const other = data.toString().replace('"task":"task"', '"task":"other"');
    await bench.inspect((zk) => zk.setData(bench.ledgerPath, other));
    bench.now = '2026-01-01T12:02:00Z';
    await a.fire();
    expect(bench.logger.messages('error')).toEqual([
      expect.stringMatching(/it is the ledger of another task/),
    ]);
  });
});

it('a ledger with a greater token than that of the leader is logged, and left as it is', async () => {
  const a = await start();
  const { data } = await bench.inspect((zk) => zk.getData(bench.ledgerPath));
  const copied = data
    .toString()
    .replace(/"token":\d+/, '"token":9007199254740991');
  await bench.inspect((zk) => zk.setData(bench.ledgerPath, copied));
  bench.now = '2026-01-01T12:02:00Z';
  await a.fire();
  expect(skips(a)).toEqual(['ledger-unavailable']);
  expect(bench.logger.messages('error')).toEqual([
    expect.stringMatching(
      /token 9007199254740991, .* though this instance leads .* comes from other servers/,
    ),
  ]);
  await bench.inspect((zk) => zk.delete(bench.ledgerPath));
  await waitFor(() => bench.runs.length === 2);
  expect(bench.ticks).toEqual(['A 12:01', 'A 12:02']);
});

it('a ledger that was deleted begins anew, with the tick that finds it missing', async () => {
  const a = await start();
  await bench.inspect((zk) => zk.delete(bench.ledgerPath));
  bench.now = '2026-01-01T12:02:00Z';
  await a.fire();
  await a.fire();
  expect(bench.ticks).toEqual(['A 12:01', 'A 12:02']);
  await waitFor(async () => (await a.tasks.history('task')).length === 1);
});

it('a ledger that was deleted and has come to the same version is not taken for the former', async () => {
  const a = await start();
  const b = await bench.start('B');
  const version = (): Promise<number> =>
    bench.inspect(
      async (zk) => (await zk.getData(bench.ledgerPath)).stat.version,
    );
  const known = await version();
  await a.election.resign();
  await waitFor(() => b.election.isLeader());
  // The new leader has read the ledger.
  await waitFor(async () => (await version()) > known);
  await bench.inspect((zk) => zk.delete(bench.ledgerPath));
  bench.now = '2026-01-01T12:02:00Z';
  await b.fire();
  await waitFor(async () => (await b.tasks.history('task')).length === 1);
  await bench.inspect(async (zk) => {
    const { data, stat } = await zk.getData(bench.ledgerPath);
    for (let next = stat.version; next < known; next++) {
      await zk.setData(bench.ledgerPath, data);
    }
  });
  expect(await version()).toBe(known);
  await b.election.resign();
  await waitFor(() => a.election.isLeader());
  await waitFor(async () => (await version()) > known);
  bench.now = '2026-01-01T12:03:00Z';
  await a.fire();
  expect(bench.ticks).toEqual(['A 12:01', 'B 12:02', 'A 12:03']);
});

it('a ledger that was deleted and has come to the same version is not overwritten by the end of a former run', async () => {
  const a = await start();
  let end: (() => void) | undefined;
  bench.work = () =>
    new Promise<void>((resolve) => {
      end = resolve;
    });
  bench.now = '2026-01-01T12:02:00Z';
  const fired = a.fire();
  await waitFor(() => end !== undefined);
  bench.work = () => undefined;
  const b = await bench.start('B');
  const { stat } = await bench.inspect((zk) => zk.getData(bench.ledgerPath));
  await bench.removeEntryOf(a);
  await b.election.waitForLeadership({ timeoutMs: 10_000 });
  await waitFor(() => !a.election.isLeader());
  await waitFor(async () => {
    const now = await bench.inspect((zk) => zk.getData(bench.ledgerPath));
    return now.stat.version > stat.version;
  });
  await bench.inspect((zk) => zk.delete(bench.ledgerPath));
  bench.now = '2026-01-01T12:03:00Z';
  await b.fire();
  await waitFor(async () => {
    const [last] = await b.tasks.history('task');
    return last?.outcome === 'finished';
  });
  await bench.inspect(async (zk) => {
    const begun = await zk.getData(bench.ledgerPath);
    for (let next = begun.stat.version; next < stat.version; next++) {
      await zk.setData(bench.ledgerPath, begun.data);
    }
  });
  end?.();
  await fired;
  await waitFor(() => a.tasks.list()[0]?.running === 0);
  bench.now = '2026-01-01T12:04:00Z';
  await b.fire();
  const history = await b.tasks.history('task');
  expect(history.map(({ tick }) => tick.toISOString().slice(11, 16))).toEqual([
    '12:04',
    '12:03',
  ]);
});

it('a former leader that comes to the ledger late finds that it is over', async () => {
  const a = await start({}, { isProxied: true });
  const b = await bench.start('B');
  // Its claim lies on the way while another one takes over.
  a.proxy?.hold('requests');
  bench.now = '2026-01-01T12:02:00Z';
  const fired = a.fire();
  await bench.removeEntryOf(a);
  await b.election.waitForLeadership({ timeoutMs: 10_000 });
  await waitFor(() => bench.runs.length === 2);
  await a.proxy?.heal();
  await fired;
  expect(bench.ticks).toEqual(['A 12:01', 'B 12:02']);
  expect(skips(a)).toHaveLength(1);
});
