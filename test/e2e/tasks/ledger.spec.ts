import { describe, expect, it } from '@jest/globals';
import {
  TaskBench,
  type BenchInstance,
  type BenchOptions,
} from '../../support/task-bench.js';
import { useTaskBench } from '../../support/use-task-bench.js';
import { waitFor } from '../../support/wait-for.js';

let bench: TaskBench;
const newBench = useTaskBench();

function setUp(options: BenchOptions = {}, now?: string): void {
  bench = newBench({ ledger: true, ...options }, now);
}

/** The first leads, the second is next in line. */
async function startTwo(): Promise<[BenchInstance, BenchInstance]> {
  return [await bench.start('A'), await bench.start('B')];
}

/** `from` gives leadership up; resolves when `to` has looked at its ledger. */
async function handOver(from: BenchInstance, to: BenchInstance): Promise<void> {
  await from.election.resign();
  await to.election.waitForLeadership({ timeoutMs: 10_000 });
}

function typesOf({ events }: BenchInstance, task = 'task'): string[] {
  return events
    .filter((event) => event.task === task)
    .map((event) =>
      event.type === 'skipped' ? `skipped ${event.reason}` : event.type,
    );
}

describe('a tick', () => {
  it('is run once, however often and wherever it is called', async () => {
    setUp();
    const [a, b] = await startTwo();
    bench.now = '2026-01-01T12:01:00Z';
    await Promise.all([a.fire(), a.fire(), b.fire()]);
    await handOver(a, b);
    await b.fire();
    expect(bench.ticks).toEqual(['A 12:01']);
    expect(typesOf(a)).toEqual(['started', 'finished', 'skipped claimed']);
    expect(typesOf(b)).toEqual(['skipped not-leading', 'skipped claimed']);
  });

  it('is run by the next leader after it was not run by the last', async () => {
    setUp();
    const [a, b] = await startTwo();
    bench.now = '2026-01-01T12:01:00Z';
    await handOver(a, b);
    await waitFor(() => bench.runs.length > 0);
    await b.fire();
    expect(bench.runs).toMatchObject([
      { by: 'B', tick: '12:01', trigger: 'missed' },
    ]);
  });

  it('keeps the result and the error of its run', async () => {
    setUp();
    const a = await bench.start('A');
    bench.work = () => 'result';
    bench.now = '2026-01-01T12:01:00Z';
    await expect(a.fire()).resolves.toBe('result');
    bench.work = async () => {
      throw new Error('of the run');
    };
    bench.now = '2026-01-01T12:02:00Z';
    await expect(a.fire()).rejects.toThrow('of the run');
    expect(typesOf(a)).toEqual(['started', 'finished', 'started', 'failed']);
  });

  it('ends with what its method returns, whatever can be awaited', async () => {
    setUp();
    const a = await bench.start('A');
    // Like the query of a database client, which begins when it is awaited.
    let begun = 0;
    bench.work = () => ({
      // oxlint-disable-next-line unicorn/no-thenable
      then: (_: unknown, reject: (error: Error) => void) => {
        begun += 1;
        reject(new Error('of the query'));
      },
    });
    bench.now = '2026-01-01T12:01:00Z';
    await expect(a.fire()).rejects.toThrow('of the query');
    expect(begun).toBe(1);
    await waitFor(
      async () => (await a.tasks.history('task'))[0]?.outcome === 'failed',
    );
    expect(typesOf(a)).toEqual(['started', 'failed']);
  });

  it('costs one write before the run and one after it; without a ledger there is none', async () => {
    setUp();
    const a = await bench.start('A', { isProxied: true });
    bench.now = '2026-01-01T12:01:00Z';
    await a.fire();
    await waitFor(async () => (await a.tasks.history('task')).length === 1);
    const plain = a.election.onlyLeader(async () => undefined, {
      task: 'plain',
    });
    // A new task is first looked for among those that are paused.
    await plain();
    a.proxy?.forgetFrames();
    bench.now = '2026-01-01T12:02:00Z';
    await a.fire();
    await plain();
    await waitFor(() => writesTo(a).length >= 2);
    await plain();
    expect(writesTo(a)).toEqual(['setData', 'setData']);
  });
});

/** What was asked of ZooKeeper besides heartbeats, and what an entry tells. */
function writesTo({ proxy }: BenchInstance): string[] {
  return (proxy?.requests() ?? [])
    .filter(({ path }) => !/\/(instances|elections)\//.test(path ?? ''))
    .map(({ opcode }) => opcode);
}

describe('missed ticks', () => {
  const policies = [
    ['skip', [], ['missed']],
    ['latest', ['B 12:03'], ['missed', 'started', 'finished']],
    [
      'all',
      ['B 12:01', 'B 12:02', 'B 12:03'],
      ['started', 'finished', 'started', 'finished', 'started', 'finished'],
    ],
  ] as const;

  it.each(policies)("'%s'", async (missedTicks, ticks, types) => {
    setUp({ ledger: { missedTicks } });
    const [a, b] = await startTwo();
    bench.now = '2026-01-01T12:03:30Z';
    await handOver(a, b);
    await waitFor(() => typesOf(b).length >= types.length);
    expect(bench.ticks).toEqual(ticks);
    expect(typesOf(b)).toEqual(types);
    // The next one is run as always.
    bench.now = '2026-01-01T12:04:00Z';
    await b.fire();
    expect(bench.ticks).toEqual([...ticks, 'B 12:04']);
  });

  it('are logged, with their number and their times', async () => {
    setUp({ ledger: { missedTicks: 'skip' } });
    const [a, b] = await startTwo();
    bench.now = '2026-01-01T12:03:30Z';
    await handOver(a, b);
    await waitFor(() => b.events.length > 0);
    expect(b.events).toMatchObject([
      {
        type: 'missed',
        tick: new Date('2026-01-01T12:01:00Z'),
        lastTick: new Date('2026-01-01T12:03:00Z'),
        count: 3,
      },
    ]);
    expect(b.tasks.list()[0]?.counts.missed).toBe(3);
    expect(bench.logger.messages('warn')).toEqual([
      expect.stringMatching(/"task" missed 3 ticks \(.*12:01/),
    ]);
  });

  it('older than maxLatenessMs are not run any more', async () => {
    setUp({ ledger: { missedTicks: 'all', maxLatenessMs: 90_000 } });
    const [a, b] = await startTwo();
    bench.now = '2026-01-01T12:05:20Z';
    await handOver(a, b);
    await waitFor(() => bench.runs.length >= 2);
    expect(bench.ticks).toEqual(['B 12:04', 'B 12:05']);
    expect(b.events[0]).toMatchObject({
      type: 'missed',
      count: 3,
      lastTick: new Date('2026-01-01T12:03:00Z'),
    });
  });

  it('become too late while others are run', async () => {
    setUp({ ledger: { missedTicks: 'all', maxLatenessMs: 150_000 } });
    const [a, b] = await startTwo();
    bench.work = ({ tick }) => {
      if (tick?.getUTCMinutes() === 1) {
        bench.now = '2026-01-01T12:06:00Z';
      }
    };
    bench.now = '2026-01-01T12:03:20Z';
    await handOver(a, b);
    await waitFor(() => bench.runs.length >= 4);
    expect(bench.ticks).toEqual(['B 12:01', 'B 12:04', 'B 12:05', 'B 12:06']);
    expect(b.events.filter(({ type }) => type === 'missed')).toMatchObject([
      {
        tick: new Date('2026-01-01T12:02:00Z'),
        lastTick: new Date('2026-01-01T12:03:00Z'),
        count: 2,
      },
    ]);
  });

  it('are none while the job is disabled or has been stopped', async () => {
    setUp({ ledger: { missedTicks: 'all' } });
    const [a, b] = await startTwo();
    const version = (): Promise<number> =>
      bench.inspect(
        async (zk) => (await zk.getData(bench.ledgerPath)).stat.version,
      );
    const known = await version();
    b.job.isActive = false;
    bench.now = '2026-01-01T12:03:30Z';
    await handOver(a, b);
    await waitFor(async () => (await version()) > known);
    // Called by somebody else than the job.
    await b.fire();
    expect(bench.runs).toMatchObject([{ tick: '12:03', trigger: 'call' }]);
    expect(typesOf(b)).toEqual(['started', 'finished']);
  });

  it('of the time before there was a ledger are none', async () => {
    setUp({ ledger: { missedTicks: 'all' } });
    const a = await bench.start('A');
    bench.now = '2026-01-01T12:01:00Z';
    await a.fire();
    expect(bench.ticks).toEqual(['A 12:01']);
    expect(typesOf(a)).toEqual(['started', 'finished']);
  });

  it('of a daylight-saving change are those of the cron job', async () => {
    // 02:30 does not exist on 29 March 2026, and comes twice on 25 October.
    const options = {
      ledger: { missedTicks: 'all' },
      expression: '0 30 2 * * *',
      timeZone: 'Europe/Berlin',
    } as const;
    setUp(options, '2026-03-27T12:00:00Z');
    const [a, b] = await startTwo();
    bench.now = '2026-03-31T12:00:00Z';
    await handOver(a, b);
    await waitFor(() => bench.runs.length >= 4);
    expect(bench.ticks).toEqual(['B 01:30', 'B 01:00', 'B 00:30', 'B 00:30']);
    bench.now = '2026-10-24T12:00:00Z';
    bench.runs.length = 0;
    await b.fire();
    const upToNow = bench.runs.length;
    bench.now = '2026-10-26T12:00:00Z';
    await handOver(b, a);
    await waitFor(() => bench.runs.length >= upToNow + 2);
    const history = await a.tasks.history('task');
    const ticks = history.map(({ tick }) => tick.toISOString().slice(0, 16));
    expect(ticks.slice(0, 2)).toEqual(['2026-10-26T01:30', '2026-10-25T00:30']);
  });
});

describe('a hand-over', () => {
  it('waits for a claim that has come too late, and gives its tick back', async () => {
    setUp();
    const a = await bench.start('A', { isProxied: true });
    const b = await bench.start('B');
    const held = a.proxy?.holdReplyOf('setData');
    bench.now = '2026-01-01T12:01:00Z';
    const fired = a.fire();
    await held?.arrived;
    const resigned = a.election.resign();
    a.proxy?.delay(50);
    held?.release();
    await Promise.all([fired, resigned]);
    await b.election.waitForLeadership({ timeoutMs: 10_000 });
    await waitFor(() => bench.runs.length > 0);
    expect(bench.runs).toMatchObject([
      { by: 'B', tick: '12:01', trigger: 'missed', attempt: 1 },
    ]);
    expect(typesOf(a)).toEqual(['skipped not-leading']);
    expect(typesOf(b)).not.toContain('interrupted');
  });

  it('waits until the end of a run is recorded, though the run goes on no more', async () => {
    setUp();
    const a = await bench.start('A', {
      isProxied: true,
      drainTimeoutMs: 10_000,
    });
    let held:
      ReturnType<NonNullable<typeof a.proxy>['holdReplyOf']> | undefined;
    bench.work = () => {
      held = a.proxy?.holdReplyOf('setData');
      return 'at once';
    };
    bench.now = '2026-01-01T12:01:00Z';
    await expect(a.fire()).resolves.toBe('at once');
    await held?.arrived;
    expect(a.tasks.list()).toMatchObject([{ running: 0 }]);
    let hasResigned = false;
    const resigned = a.election.resign().then(() => (hasResigned = true));
    await waitFor(() => a.election.leadership.role !== 'leader');
    expect(hasResigned).toBe(false);
    held?.release();
    await resigned;
  });
});

describe('an interrupted run', () => {
  it("is not run again with 'skip', but logged", async () => {
    setUp({ ledger: { interruptedRun: 'skip' } });
    const [a, b] = await startTwo();
    bench.work = () => new Promise(() => undefined);
    bench.now = '2026-01-01T12:01:00Z';
    void a.fire();
    await waitFor(() => bench.runs.length > 0);
    await handOver(a, b);
    await waitFor(() => b.events.length > 0);
    await b.fire();
    expect(bench.ticks).toEqual(['A 12:01']);
    expect(b.events[0]).toMatchObject({
      type: 'interrupted',
      tick: new Date('2026-01-01T12:01:00Z'),
      interruptedInstanceId: 'A',
      attempt: 1,
      willRerun: false,
    });
    await expect(b.tasks.history('task')).resolves.toMatchObject([
      { instanceId: 'A', attempt: 1, outcome: 'interrupted' },
    ]);
  });

  it("is run again with 'rerun', and its attempts are counted", async () => {
    setUp({ ledger: { interruptedRun: 'rerun' } });
    const [a, b] = await startTwo();
    bench.work = () => new Promise(() => undefined);
    bench.now = '2026-01-01T12:01:00Z';
    void a.fire();
    await waitFor(() => bench.runs.length === 1);
    await handOver(a, b);
    await waitFor(() => bench.runs.length === 2);
    bench.work = () => 'done';
    await a.close();
    const c = await bench.start('C');
    await b.close();
    await c.election.waitForLeadership({ timeoutMs: 10_000 });
    await waitFor(() => bench.runs.length === 3);
    expect(bench.runs).toMatchObject([
      { by: 'A', tick: '12:01', attempt: 1, trigger: 'call' },
      { by: 'B', tick: '12:01', attempt: 2, trigger: 'interrupted' },
      { by: 'C', tick: '12:01', attempt: 3, trigger: 'interrupted' },
    ]);
    const tokens = bench.runs.map(({ fencingToken }) => fencingToken);
    expect(tokens).toEqual(tokens.toSorted((x, y) => x - y));
    await waitFor(
      async () => (await c.tasks.history('task'))[0]?.outcome === 'finished',
    );
    const outcomes = (await c.tasks.history('task')).map((run) => run.outcome);
    expect(outcomes).toEqual(['finished', 'interrupted', 'interrupted']);
  });

  it("is run again with 'rerun' by the same instance, when it ends while a new term begins", async () => {
    setUp({ ledger: { interruptedRun: 'rerun' } });
    const a = await bench.start('A', { isProxied: true });
    let end = (): void => undefined;
    bench.work = ({ signal }) =>
      new Promise<void>((_, reject) => {
        end = () => reject(signal.reason as Error);
      });
    bench.now = '2026-01-01T12:01:00Z';
    const run = a.fire();
    await waitFor(() => bench.runs.length === 1);
    bench.work = () => undefined;
    a.proxy?.forgetFrames();
    a.proxy?.delay(300, 'replies');
    const resigned = a.election.resign();
    // It has been taken for one that goes on.
    await waitFor(
      () =>
        a.proxy
          ?.requests('setData')
          .some(({ path }) => path === bench.ledgerPath),
      { timeoutMs: 20_000 },
    );
    end();
    await expect(run).rejects.toThrow(/resigned/);
    await a.proxy?.heal();
    await resigned;
    await waitFor(() => bench.runs.length === 2);
    expect(bench.runs[1]).toMatchObject({
      by: 'A',
      tick: '12:01',
      attempt: 2,
      trigger: 'interrupted',
    });
  });

  it('is not run again when it is too late for it', async () => {
    setUp({ ledger: { interruptedRun: 'rerun', maxLatenessMs: 90_000 } });
    const [a, b] = await startTwo();
    bench.work = () => new Promise(() => undefined);
    bench.now = '2026-01-01T12:01:00Z';
    void a.fire();
    await waitFor(() => bench.runs.length === 1);
    bench.work = () => undefined;
    bench.now = '2026-01-01T12:02:59Z';
    await handOver(a, b);
    await waitFor(() => bench.runs.length === 2);
    expect(bench.ticks).toEqual(['A 12:01', 'B 12:02']);
    expect(typesOf(b)).toContain('interrupted');
  });

  it('that ends after its leadership is recorded, and not run again', async () => {
    setUp({ ledger: { interruptedRun: 'skip' } });
    const [a, b] = await startTwo();
    let end = (): void => undefined;
    bench.work = ({ signal }) =>
      new Promise<void>((_, reject) => {
        end = () => reject(signal.reason as Error);
      });
    bench.now = '2026-01-01T12:01:00Z';
    const run = a.fire();
    await waitFor(() => bench.runs.length === 1);
    const resigned = a.election.resign();
    end();
    await expect(run).rejects.toThrow(/resigned/);
    await resigned;
    await b.election.waitForLeadership({ timeoutMs: 10_000 });
    await waitFor(async () => {
      const [last] = await b.tasks.history('task');
      return last?.outcome === 'aborted';
    });
    expect(typesOf(a)).toEqual(['started', 'aborted', 'failed']);
    expect(typesOf(b)).not.toContain('interrupted');
  });
});

describe('the history', () => {
  it('keeps the last runs, the newest first', async () => {
    setUp({ ledger: { historySize: 3 } });
    const [a, b] = await startTwo();
    for (let minute = 1; minute <= 6; minute += 1) {
      bench.now = `2026-01-01T12:0${minute}:00Z`;
      bench.work = async () => {
        if (minute === 5) {
          throw new Error('x'.repeat(1_000));
        }
      };
      await a.fire().catch(() => undefined);
    }
    await waitFor(
      async () => (await b.tasks.history('task'))[0]?.outcome === 'finished',
    );
    const history = await b.tasks.history('task');
    expect(history).toMatchObject([
      { tick: new Date('2026-01-01T12:06:00Z'), outcome: 'finished' },
      {
        tick: new Date('2026-01-01T12:05:00Z'),
        outcome: 'failed',
        error: 'x'.repeat(300),
      },
      {
        tick: new Date('2026-01-01T12:04:00Z'),
        outcome: 'finished',
        instanceId: 'A',
        attempt: 1,
        durationMs: 0,
        startedAt: new Date('2026-01-01T12:04:00Z'),
      },
    ]);
    expect(history).toHaveLength(3);
  });

  it('shows a run that goes on', async () => {
    setUp();
    const a = await bench.start('A');
    bench.work = () => new Promise(() => undefined);
    bench.now = '2026-01-01T12:01:00Z';
    void a.fire();
    await waitFor(() => bench.runs.length === 1);
    await expect(a.tasks.history('task')).resolves.toMatchObject([
      { outcome: 'running' },
    ]);
  });
});

describe('LeaderTasks.runHere()', () => {
  it('runs without a tick, and leaves the ledger alone', async () => {
    setUp();
    const [a, b] = await startTwo();
    bench.now = '2026-01-01T12:01:00Z';
    await a.fire();
    await waitFor(async () => (await a.tasks.history('task')).length === 1);
    const before = await bench.inspect((zk) => zk.getData(bench.ledgerPath));
    await a.tasks.runHere('task');
    await b.tasks.runHere('task');
    const after = await bench.inspect((zk) => zk.getData(bench.ledgerPath));
    expect(after.stat.version).toBe(before.stat.version);
    expect(bench.runs.slice(1)).toMatchObject([
      { by: 'A', tick: undefined, trigger: 'manual' },
      { by: 'B', tick: undefined, trigger: 'manual', fencingToken: 0 },
    ]);
  });
});
