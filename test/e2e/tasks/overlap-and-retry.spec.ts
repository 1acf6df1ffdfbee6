import { describe, expect, it } from '@jest/globals';
import { channel } from 'node:diagnostics_channel';
import type { LeaderTaskEvent } from '../../../lib/index.js';
import {
  TaskBench,
  type BenchInstance,
  type BenchOptions,
} from '../../support/task-bench.js';
import { useTaskBench } from '../../support/use-task-bench.js';
import { waitFor } from '../../support/wait-for.js';

let bench: TaskBench;
const newBench = useTaskBench();
/** Ends of the runs that wait for one, the oldest first. */
let ends: (() => void)[];

/** Runs last until {@link ends} are called. */
function setUp(options: BenchOptions): void {
  ends = [];
  bench = newBench(options);
  bench.work = () =>
    new Promise<void>((resolve) => {
      ends.push(resolve);
    });
}

async function startTwo(): Promise<[BenchInstance, BenchInstance]> {
  return [await bench.start('A'), await bench.start('B')];
}

function skips({ events }: BenchInstance): string[] {
  return events.flatMap((event) =>
    event.type === 'skipped' ? [event.reason] : [],
  );
}

describe('overlap', () => {
  it("'allow' runs a tick beside the one before", async () => {
    setUp({ ledger: true, overlap: 'allow' });
    const a = await bench.start('A');
    bench.now = '2026-01-01T12:01:00Z';
    void a.fire();
    await waitFor(() => ends.length === 1);
    bench.now = '2026-01-01T12:02:00Z';
    void a.fire();
    await waitFor(() => ends.length === 2);
    expect(a.tasks.list()[0]?.running).toBe(2);
  });

  it("'skip' drops a tick, which then counts as decided and not as missed", async () => {
    setUp({ ledger: { missedTicks: 'all' }, overlap: 'skip' });
    const a = await bench.start('A');
    bench.now = '2026-01-01T12:01:00Z';
    const first = a.fire();
    await waitFor(() => ends.length === 1);
    bench.now = '2026-01-01T12:02:00Z';
    await a.fire();
    ends[0]?.();
    await first;
    bench.now = '2026-01-01T12:03:00Z';
    void a.fire();
    await waitFor(() => ends.length === 2);
    expect(bench.ticks).toEqual(['A 12:01', 'A 12:03']);
    expect(skips(a)).toEqual(['overlap']);
    expect(a.tasks.list()[0]?.counts.missed).toBe(0);
  });

  it("'queue-one' runs the next tick when the one before has ended, and drops further ones", async () => {
    setUp({ ledger: true, overlap: 'queue-one' });
    const a = await bench.start('A');
    for (const minute of [1, 2, 3]) {
      bench.now = `2026-01-01T12:0${minute}:00Z`;
      void a.fire();
      await waitFor(() => ends.length === 1);
    }
    expect(skips(a)).toEqual(['overlap']);
    ends[0]?.();
    await waitFor(() => ends.length === 2);
    expect(bench.ticks).toEqual(['A 12:01', 'A 12:02']);
  });

  it("'queue-one' gives a tick up that has become too late while it waited", async () => {
    setUp({ ledger: { maxLatenessMs: 30_000 }, overlap: 'queue-one' });
    const a = await bench.start('A');
    bench.now = '2026-01-01T12:01:00Z';
    void a.fire();
    await waitFor(() => ends.length === 1);
    bench.now = '2026-01-01T12:02:00Z';
    void a.fire();
    bench.now = '2026-01-01T12:02:45Z';
    ends[0]?.();
    await waitFor(() => skips(a).length > 0);
    expect(skips(a)).toEqual(['too-late']);
    expect(bench.ticks).toEqual(['A 12:01']);
  });

  it('looks at runs of an earlier term of the instance, too', async () => {
    setUp({ overlap: 'skip' });
    const a = await bench.start('A');
    bench.now = '2026-01-01T12:01:00Z';
    void a.fire();
    await waitFor(() => ends.length === 1);
    // It goes on longer than it is waited for.
    await a.election.resign();
    await a.election.waitForLeadership({ timeoutMs: 10_000 });
    bench.now = '2026-01-01T12:02:00Z';
    await a.fire();
    expect(bench.ticks).toEqual(['A 12:01']);
    expect(skips(a)).toEqual(['overlap']);
  });

  it.each(['skip', 'queue-one'] as const)(
    "'%s' loses no tick that comes while a new leader looks at the ledger",
    async (overlap) => {
      setUp({ ledger: { missedTicks: 'all' }, overlap });
      bench.work = () => undefined;
      const a = await bench.start('A');
      const b = await bench.start('B', { isProxied: true });
      bench.now = '2026-01-01T12:01:00Z';
      await a.fire();
      const held = b.proxy?.holdReplyOf('getData');
      bench.now = '2026-01-01T12:02:30Z';
      b.proxy?.delay(100);
      await a.election.resign();
      await b.election.waitForLeadership({ timeoutMs: 10_000 });
      bench.now = '2026-01-01T12:03:00Z';
      const fired = b.fire();
      await held?.arrived;
      held?.release();
      await b.proxy?.heal();
      await fired;
      await waitFor(() => bench.runs.length >= 3);
      expect(bench.ticks).toEqual(['A 12:01', 'B 12:02', 'B 12:03']);
      expect(skips(b)).not.toContain('overlap');
    },
  );
});

describe('retry', () => {
  it('tries a run again until it succeeds, as one run of one tick', async () => {
    setUp({ ledger: true, retry: { attempts: 3, backoffMs: 1 } });
    const attempts: number[] = [];
    bench.work = async ({ attempt }) => {
      attempts.push(attempt);
      if (attempt < 3) {
        throw new Error(`attempt ${attempt}`);
      }
    };
    const a = await bench.start('A');
    bench.now = '2026-01-01T12:01:00Z';
    await a.fire();
    expect(attempts).toEqual([1, 2, 3]);
    expect(a.events).toMatchObject([
      { type: 'started', attempt: 1 },
      { type: 'failed', attempt: 1, willRetry: true },
      { type: 'started', attempt: 2 },
      { type: 'failed', attempt: 2, willRetry: true },
      { type: 'started', attempt: 3 },
      { type: 'finished', attempt: 3 },
    ]);
    expect(a.tasks.list()[0]?.counts).toMatchObject({ finished: 1, failed: 0 });
    await waitFor(
      async () => (await a.tasks.history('task'))[0]?.outcome === 'finished',
    );
    await expect(a.tasks.history('task')).resolves.toMatchObject([
      { attempt: 3 },
    ]);
  });

  it('ends with the error of the last try', async () => {
    setUp({ ledger: true, retry: { attempts: 2, backoffMs: 1 } });
    bench.work = async ({ attempt }) => {
      throw new Error(`attempt ${attempt}`);
    };
    const a = await bench.start('A');
    bench.now = '2026-01-01T12:01:00Z';
    await expect(a.fire()).rejects.toThrow('attempt 2');
    await waitFor(
      async () => (await a.tasks.history('task'))[0]?.outcome === 'failed',
    );
    await expect(a.tasks.history('task')).resolves.toMatchObject([
      { attempt: 2, error: 'attempt 2' },
    ]);
    expect(a.tasks.list()[0]?.counts).toMatchObject({ finished: 0, failed: 1 });
  });

  it('stops when leadership ends', async () => {
    setUp({ ledger: true, retry: { attempts: 3, backoffMs: 60_000 } });
    bench.work = async () => {
      throw new Error('always');
    };
    const [a, b] = await startTwo();
    bench.now = '2026-01-01T12:01:00Z';
    const [run] = await Promise.allSettled([
      a.fire(),
      waitFor(() => a.events.some(({ type }) => type === 'failed')).then(() =>
        a.election.resign(),
      ),
    ]);
    expect(run).toMatchObject({ reason: new Error('always') });
    await b.election.waitForLeadership({ timeoutMs: 10_000 });
    expect(bench.ticks).toEqual(['A 12:01']);
  });
});

describe('who looks at the tasks', () => {
  it('hears of everything alike by events$ and by the diagnostics channel', async () => {
    setUp({ ledger: true });
    bench.work = () => undefined;
    const types = ['started', 'finished', 'skipped'] as const;
    const published: LeaderTaskEvent[] = [];
    const listen = (message: unknown): void => {
      published.push(message as LeaderTaskEvent);
    };
    const own = channel('nestjs-zookeeper-leader:task');
    own.subscribe(listen);
    const a = await bench.start('A');
    bench.now = '2026-01-01T12:01:00Z';
    await a.fire();
    await a.fire();
    own.unsubscribe(listen);
    expect(published.map(({ type }) => type)).toEqual(types);
    expect(published).toEqual(a.events);
    expect(published[0]).toMatchObject({
      task: 'task',
      election: 'default',
      instanceId: 'A',
      at: new Date('2026-01-01T12:01:00Z'),
      tick: new Date('2026-01-01T12:01:00Z'),
      attempt: 1,
      trigger: 'call',
    });
  });

  it('hears once of a run that does not stop when its leadership has ended', async () => {
    setUp({ ledger: true });
    const [a] = await startTwo();
    bench.now = '2026-01-01T12:01:00Z';
    const run = a.fire();
    await waitFor(() => ends.length === 1);
    await a.election.resign();
    await waitFor(() => a.events.some(({ type }) => type === 'overran'));
    ends[0]?.();
    await run;
    expect(a.events).toMatchObject([
      { type: 'started' },
      { type: 'aborted', reason: 'resigned' },
      { type: 'overran' },
      { type: 'finished' },
    ]);
    expect(bench.logger.messages('warn')).toEqual([
      expect.stringMatching(
        /"task" still runs 200 ms after.*currentLeaderTask/,
      ),
    ]);
  });
});
