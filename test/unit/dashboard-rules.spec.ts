import { describe, expect, it } from '@jest/globals';
import { taskStateOf, type JudgedRun } from '../../lib/cluster/task-state.js';
import { isWell, verdictOf, verdictText } from '../../lib/cluster/verdict.js';
import { InstanceHistory } from '../../lib/dashboard/instance-history.js';
import { scheduleWords } from '../../lib/dashboard/schedule-words.js';
import { TaskInfos } from '../../lib/dashboard/task-infos.js';
import { TermHistory } from '../../lib/dashboard/term-history.js';
import { TickAudit } from '../../lib/dashboard/tick-audit.js';

const run = (
  outcome: JudgedRun['outcome'],
  atMs: number,
  durationMs?: number,
  error?: string,
): JudgedRun => ({
  outcome,
  startedAt: new Date(atMs),
  instanceId: 'a',
  ...(durationMs !== undefined && { durationMs }),
  ...(error !== undefined && { error }),
});

describe('the state of a task', () => {
  it('fails from the first run that did not end well to the next one that does', () => {
    const failed = run('failed', 3, 1, 'No route\n  at line 7');
    expect(taskStateOf([failed, failed, run('finished', 1, 10)])).toEqual({
      isFailing: true,
      failedInARow: 2,
      error: 'No route',
      lastSuccess: new Date(11),
    });
    expect(taskStateOf([run('finished', 5, 2), failed])).toMatchObject({
      isFailing: false,
      failedInARow: 0,
      lastSuccess: new Date(7),
    });
  });

  it.each(['aborted', 'interrupted'] as const)(
    'says "%s" of a run that left no message',
    (outcome) => {
      expect(taskStateOf([run(outcome, 1)])).toMatchObject({
        isFailing: true,
        error: outcome,
      });
    },
  );

  it('goes on failing while the next run goes on', () => {
    expect(taskStateOf([run('running', 9), run('failed', 1, 1, 'x')])).toEqual({
      isFailing: true,
      failedInARow: 1,
      error: 'x',
      running: { since: new Date(9), instanceId: 'a' },
    });
  });

  it('knows what is usual from three runs that ended well', () => {
    const runs = [400, 380, 9_000].map((ms, index) =>
      run('finished', index, ms),
    );
    expect(taskStateOf(runs).usualMs).toBe(400);
    expect(taskStateOf(runs.slice(1)).usualMs).toBeUndefined();
  });

  it('fails if its ledger cannot be read, and is not failing if it has never run', () => {
    expect(taskStateOf([], 'it is no JSON')).toMatchObject({
      isFailing: true,
      error: 'it is no JSON',
    });
    expect(taskStateOf([])).toEqual({ isFailing: false, failedInARow: 0 });
  });
});

describe('the verdict', () => {
  const stopped = {
    election: 'e',
    participants: [],
    participantCount: 0,
    warnings: [],
  };

  it('counts what is wrong, in the words of one and of many', () => {
    const verdict = verdictOf(
      {
        elections: [stopped],
        partitions: [],
        instances: [{ instanceId: 'a' }],
      },
      ['x', 'y'],
    );
    expect(verdictText(verdict)).toBe(
      '2 tasks failing · 1 election without a leader · 1 instance',
    );
    expect(isWell(verdict)).toBe(false);
  });

  it('is not well where nothing is', () => {
    expect(
      isWell(verdictOf({ elections: [], partitions: [], instances: [] }, [])),
    ).toBe(false);
  });
});

describe('a schedule in words', () => {
  it.each([
    ['*/5 * * * * *', 'every 5 s'],
    ['* * * * * *', 'every second'],
    ['*/10 * * * *', 'every 10 min'],
    ['0 * * * * *', 'every minute'],
    ['0 0 * * * *', 'every hour'],
    ['0 */6 * * *', 'every 6 h'],
    ['0 30 2 * * *', 'daily at 02:30'],
    ['15 30 2 * * *', 'daily at 02:30:15'],
    ['0 9 * * 1-5', 'on weekdays at 09:00'],
    ['0 9 * * mon,thu', 'on Monday, Thursday at 09:00'],
    ['0 9 * * 7', 'on Sunday at 09:00'],
    ['0 0 1 * *', 'monthly on day 1 at 00:00'],
    ['30 * * * * *', '30 * * * * *'],
    ['0 */5 8 * * *', '0 */5 8 * * *'],
    ['0 0 29 2 *', '0 0 29 2 *'],
    ['0 9 * * 1#2', '0 9 * * 1#2'],
    ['nonsense', 'nonsense'],
  ])('says of %s: %s', (expression, words) => {
    expect(scheduleWords({ type: 'cron', expression, timeZone: 'UTC' })).toBe(
      words,
    );
  });

  it.each([
    [500, 'every 500 ms'],
    [1_500, 'every 1.5 s'],
    [90_000, 'every 90 s'],
    [120_000, 'every 2 min'],
    [7_200_000, 'every 2 h'],
  ])('says of an interval of %i ms: %s', (everyMs, words) => {
    expect(scheduleWords({ type: 'interval', everyMs })).toBe(words);
  });
});

describe('instances that have left', () => {
  const [a, b] = [{ instanceId: 'a' }, { instanceId: 'b' }];

  it('are shown with what they led, for a quarter of an hour', () => {
    const history = new InstanceHistory();
    history.note([a, b], () => [], 1_000);
    history.note([b], (id) => (id === 'a' ? ['default'] : []), 2_000);
    expect(history.left(3_000)).toEqual([
      { ...a, leftAt: new Date(2_000), led: ['default'] },
    ]);
    expect(history.left(2_001 + 15 * 60_000)).toEqual([]);
  });

  it('have left at some time since somebody looked, if nobody did', () => {
    const history = new InstanceHistory();
    history.note([a], () => [], 1_000);
    history.note([], () => [], 61_000);
    expect(history.left(61_000)).toMatchObject([
      { leftAt: new Date(61_000), seenUntil: new Date(1_000) },
    ]);
  });

  it('are forgotten when they come back', () => {
    const history = new InstanceHistory();
    history.note([a], () => [], 1_000);
    history.note([], () => [], 2_000);
    history.note([a], () => [], 3_000);
    expect(history.left(3_000)).toEqual([]);
  });

  it('led what their last terms say, also when the next leader is seen first', () => {
    const terms = new TermHistory();
    const participant = (instanceId: string, token: number, since: number) => ({
      node: 'n',
      instanceId,
      fencingToken: token,
      joinedAt: new Date(0),
      leaderSince: new Date(since),
    });
    const nowMs = Date.now();
    terms.note('default', participant('a', 1, nowMs - 60_000));
    terms.note('default', participant('b', 2, nowMs - 10));
    expect(terms.ledBy('a')).toEqual(['default']);
    expect(terms.ledBy('a', nowMs + 60_000)).toEqual([]);
  });
});

describe('the search for ticks without a run', () => {
  const ledger = (ticks: number[], decided: number) => ({
    task: 't',
    decidedTick: new Date(decided),
    runs: ticks.map((tick) => ({
      tick: new Date(tick),
      startedAt: new Date(tick),
      attempt: 1,
      instanceId: 'a',
      fencingToken: 1,
      outcome: 'finished' as const,
      id: String(tick),
    })),
  });
  /** A tick at every multiple of ten. */
  const everyTen = (calls: number[]) =>
    new TickAudit((_task, afterMs, untilMs, most) => {
      calls.push(most);
      const first = Math.floor(afterMs / 10) * 10 + 10;
      return Array.from(
        { length: most },
        (_, index) => first + index * 10,
      ).filter((tick) => tick <= untilMs);
    });

  it('finds them, and does not know them before', () => {
    const audit = everyTen([]);
    const first = ledger([10, 30], 50);
    expect(audit.missed(first)).toBeUndefined();
    while (audit.work());
    expect(audit.missed(first)).toEqual([
      new Date(20),
      new Date(40),
      new Date(50),
    ]);
  });

  it('works no tick out twice when the ledger goes on', () => {
    const calls: number[] = [];
    const audit = everyTen(calls);
    audit.missed(ledger([10, 20, 30], 30));
    while (audit.work());
    const before = calls.length;
    const next = ledger([20, 30, 40], 40);
    // What was known goes on being told meanwhile.
    expect(audit.missed(next)).toEqual([]);
    while (audit.work());
    expect(calls.length - before).toBe(1);
    expect(audit.missed(next)).toEqual([]);
  });

  it('looks for none where nothing has run', () => {
    const calls: number[] = [];
    const audit = everyTen(calls);
    audit.missed(ledger([], 50));
    expect(audit.work()).toBe(false);
    expect(calls).toEqual([]);
  });
});

describe('the tasks of the application', () => {
  it('are asked for only when something may have changed', () => {
    let asked = 0;
    const infos = new TaskInfos({
      list: () => {
        asked += 1;
        return [];
      },
    });
    for (let turn = 0; turn < 100; turn++) {
      infos.isOutdated = true;
      infos.all();
    }
    expect(asked).toBe(1);
  });
});
