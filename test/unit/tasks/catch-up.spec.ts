import { describe, expect, it } from '@jest/globals';
import * as fc from '../../support/fast-check.js';
import type { ResolvedLedgerOptions } from '../../../lib/leader-task.options.js';
import {
  fateOf,
  isAhead,
  isTooLate,
  planCatchUp,
  type CatchUpPlan,
  type CatchUpQuestion,
  type OwnRun,
} from '../../../lib/tasks/ledger/catch-up-rules.js';
import {
  claimed,
  finished,
  newLedger,
  parseLedger,
  paused,
  released,
  resumed,
  serializeLedger,
  takenOver,
  type Fate,
  type LedgerDocument,
  type OpenRun,
} from '../../../lib/tasks/ledger/ledger.js';
import { DroppedTicks } from '../../../lib/tasks/ledger/dropped-ticks.js';
import { IntervalTicks } from '../../../lib/tasks/schedule/ticks.js';

const MINUTE = 60_000;
const options: ResolvedLedgerOptions = {
  missedTicks: 'latest',
  maxLatenessMs: Infinity,
  interruptedRun: 'skip',
  historySize: 20,
};

/** Ticks at every minute; 10 is decided, it is half past 13. */
function ask(
  missedTicks: ResolvedLedgerOptions['missedTicks'],
  changes: Partial<CatchUpQuestion> & { maxLatenessMs?: number } = {},
): CatchUpPlan {
  const { maxLatenessMs = Infinity, ...others } = changes;
  return planCatchUp({
    options: { ...options, missedTicks, maxLatenessMs },
    now: 13.5 * MINUTE,
    ticks: {
      ...pick(new IntervalTicks(MINUTE)),
      // As of a cron job: it calls at its tick.
      longestWaitMs: 1_000,
      description: { type: 'cron', expression: '* * * * *', timeZone: 'UTC' },
    },
    isPaused: false,
    decided: 10 * MINUTE,
    reported: -Infinity,
    dropped: new DroppedTicks(),
    ...others,
  });
}

/** In minutes. */
function droppedIn(...minutes: number[]): DroppedTicks {
  const dropped = new DroppedTicks();
  for (const minute of minutes) {
    dropped.add(minute * MINUTE, new IntervalTicks(MINUTE));
  }
  return dropped;
}

function pick(ticks: IntervalTicks) {
  return {
    tickOf: (ms: number) => ticks.tickOf(ms),
    next: (ms: number) => ticks.next(ms),
    previous: (until: number, after: number) => ticks.previous(until, after),
  };
}

/** In minutes: the tick that is run, and those that are reported. */
function shown({ run, missed }: CatchUpPlan): string {
  const told = missed
    ? `, missed ${missed.first / MINUTE}-${missed.last / MINUTE} (${missed.count})`
    : '';
  return `run ${run === undefined ? 'none' : run / MINUTE}${told}`;
}

describe('planCatchUp()', () => {
  /** What holds: a row for each situation, a column for each policy. */
  const table: [
    situation: string,
    changes: Parameters<typeof ask>[1],
    latest: string,
    all: string,
    skip: string,
  ][] = [
    [
      'a term begins',
      {},
      'run 13, missed 11-12 (2)',
      'run 11',
      'run none, missed 11-13 (3)',
    ],
    [
      'nothing was missed',
      { decided: 13 * MINUTE },
      'run none',
      'run none',
      'run none',
    ],
    [
      'a tick was missed just now',
      { now: 13 * MINUTE, decided: 12 * MINUTE },
      'run 13',
      'run 13',
      'run none',
    ],
    [
      'the job is off',
      { ticks: undefined },
      'run none',
      'run none',
      'run none',
    ],
    [
      'the task is paused',
      { isPaused: true },
      'run none',
      'run none',
      'run none',
    ],
    [
      'the tick 13 is being called for',
      { before: 13 * MINUTE },
      'run none, missed 11-12 (2)',
      'run 11',
      'run none, missed 11-12 (2)',
    ],
    [
      'the tick 11 is being called for',
      { before: 11 * MINUTE },
      'run none',
      'run none',
      'run none',
    ],
    [
      'the last ones were dropped for a run',
      { dropped: droppedIn(12, 13) },
      'run 11',
      'run 11',
      'run none, missed 11-11 (1)',
    ],
    [
      'one between others was dropped for a run',
      { dropped: droppedIn(12) },
      'run 13, missed 11-11 (1)',
      'run 11',
      'run none, missed 11-13 (2)',
    ],
    [
      'some before and after one were dropped for a run',
      { dropped: droppedIn(11, 13, 13) },
      'run 12',
      'run 12',
      'run none, missed 12-12 (1)',
    ],
    [
      'all were dropped for a run',
      { dropped: droppedIn(11, 12, 13) },
      'run none',
      'run none',
      'run none',
    ],
    [
      'they were reported before',
      { reported: 12 * MINUTE },
      'run 13',
      'run 11',
      'run none, missed 13-13 (1)',
    ],
    [
      'older ones are too late',
      { maxLatenessMs: MINUTE },
      'run 13, missed 11-12 (2)',
      'run 13, missed 11-12 (2)',
      'run none, missed 11-13 (3)',
    ],
    [
      'all are too late',
      { maxLatenessMs: 10_000 },
      'run none, missed 11-13 (3)',
      'run none, missed 11-13 (3)',
      'run none, missed 11-13 (3)',
    ],
    [
      'all are too late, and the last of an interval may still be called for',
      { maxLatenessMs: 10_000, ticks: new IntervalTicks(MINUTE) },
      'run none, missed 11-12 (2)',
      'run none, missed 11-12 (2)',
      'run none, missed 11-12 (2)',
    ],
    [
      'there was a stall of days',
      { now: 3_000.5 * MINUTE },
      'run 3000, missed 11-2999 (100)',
      'run 11',
      'run none, missed 11-3000 (100)',
    ],
    [
      'the ledger is ahead',
      { decided: 99 * MINUTE },
      'run none',
      'run none',
      'run none',
    ],
  ];

  it.each(table)('%s', (_, changes, latest, all, skip) => {
    expect(shown(ask('latest', changes))).toBe(latest);
    expect(shown(ask('all', changes))).toBe(all);
    expect(shown(ask('skip', changes))).toBe(skip);
  });

  it('asked again after each run, catches up on each tick once, in order', () => {
    let decided = 10 * MINUTE;
    const runs: number[] = [];
    for (;;) {
      const { run, isInOrder } = ask('all', { decided });
      if (run === undefined) {
        break;
      }
      expect(isInOrder).toBe(true);
      runs.push(run / MINUTE);
      decided = run;
    }
    expect(runs).toEqual([11, 12, 13]);
  });

  it('looks past the ticks that a run of days has been in the way of in a few steps', () => {
    const minutes = Array.from({ length: 9_000 }, (_, index) => 12 + index);
    const dropped = droppedIn(...minutes);
    for (const policy of ['latest', 'all', 'skip'] as const) {
      let asked = 0;
      const { next, previous } = pick(new IntervalTicks(MINUTE));
      const ticks = {
        ...pick(new IntervalTicks(MINUTE)),
        longestWaitMs: 1_000,
        description: { type: 'interval', everyMs: MINUTE },
        next: (ms: number) => ((asked += 1), next(ms)),
        previous: (to: number, from: number) => (
          (asked += 1),
          previous(to, from)
        ),
      } as const;
      const now = 9_011.5 * MINUTE;
      const { run, missed } = ask(policy, { ticks, now, dropped });
      expect(run ?? missed?.last).toBe(11 * MINUTE);
      expect(asked).toBeLessThan(10);
    }
    dropped.forget(9_010 * MINUTE);
    expect(dropped.rangeOf(9_011 * MINUTE)).toBeDefined();
    dropped.forget(9_011 * MINUTE);
    expect(dropped.rangeOf(9_011 * MINUTE)).toBeUndefined();
  });

  it('reports a missed tick once', () => {
    const first = ask('skip');
    const { reported } = first;
    expect(shown(ask('skip', { reported }))).toBe('run none');
  });
});

describe('isTooLate()', () => {
  const bound = { maxLatenessMs: 300 };
  const interval = new IntervalTicks(1_000);

  it('counts from the tick, and for an interval from the call', () => {
    expect(isTooLate(bound, 1_000, 1_301)).toBe(true);
    expect(isTooLate(bound, 1_000, 1_300)).toBe(false);
    const call = { calledAtMs: 1_900, ticks: interval };
    expect(isTooLate(bound, 1_000, 1_950, call)).toBe(false);
    expect(isTooLate(bound, 1_000, 2_300, call)).toBe(true);
  });
});

describe('isAhead()', () => {
  it('leaves clocks that are a little apart alone', () => {
    const ticks = new IntervalTicks(MINUTE);
    expect(isAhead(5 * MINUTE, ticks, 5 * MINUTE)).toBe(false);
    expect(isAhead(6 * MINUTE + 30_000, ticks, 5 * MINUTE)).toBe(false);
    expect(isAhead(60 * MINUTE, ticks, 5 * MINUTE)).toBe(true);
    expect(isAhead(60 * MINUTE, undefined, 5 * MINUTE)).toBe(true);
    expect(isAhead(-Infinity, ticks, 0)).toBe(false);
  });
});

function openRun(changes: Partial<OpenRun> = {}): OpenRun {
  return {
    id: 'run',
    tick: 5 * MINUTE,
    attempt: 1,
    instanceId: 'A',
    token: 1,
    startedAt: 5 * MINUTE,
    ...changes,
  };
}

describe('fateOf()', () => {
  const own: Record<string, OwnRun> = {
    running: { is: 'running' },
    ended: { is: 'ended', end: { outcome: 'finished' } },
    claiming: { is: 'claiming', formerTick: 4 * MINUTE },
    'claiming a rerun': { is: 'claiming', formerTick: undefined },
  };
  /** Of this process's own knowledge; then with `skip`, `rerun`, and held. */
  const table: [string | undefined, string, string, string][] = [
    [undefined, 'over interrupted', 'rerun 2 interrupted', 'open'],
    ['running', 'open', 'open', 'open'],
    ['ended', 'over finished', 'over finished', 'over finished'],
    ['claiming', 'given back', 'given back', 'given back'],
    ['claiming a rerun', 'rerun 1', 'rerun 1', 'open'],
  ];

  function fate(
    known: string | undefined,
    policy: 'skip' | 'rerun',
    changes: { isHeld?: boolean; run?: OpenRun; maxLatenessMs?: number } = {},
  ): string {
    const {
      isHeld = false,
      run = openRun(),
      maxLatenessMs = Infinity,
    } = changes;
    const result: Fate = fateOf(run, {
      options: { ...options, interruptedRun: policy, maxLatenessMs },
      now: 6 * MINUTE,
      isHeld,
      ownRuns: new Map(known === undefined ? [] : [[run.id, own[known]!]]),
      successor: { token: 2, instanceId: 'B' },
    });
    switch (result.is) {
      case 'over':
        return `over ${result.end.outcome}`;
      case 'replaced': {
        const { by, isInterrupted } = result;
        const isNew =
          by.token === 2 && by.instanceId === 'B' && by.id !== run.id;
        const how = isInterrupted ? ' interrupted' : '';
        return `${isNew ? 'rerun' : 'the same'} ${by.attempt}${how}`;
      }
      default:
        return result.is;
    }
  }

  it.each(table)('of a run known as %s', (known, skip, rerun, held) => {
    expect(fate(known, 'skip')).toBe(skip);
    expect(fate(known, 'rerun')).toBe(rerun);
    expect(fate(known, 'rerun', { isHeld: true })).toBe(held);
  });

  it('of one that is too late is over', () => {
    expect(fate(undefined, 'rerun', { maxLatenessMs: 1_000 })).toBe(
      'over interrupted',
    );
  });

  it('of one on request is over, also with rerun', () => {
    const run = openRun({ requestedBy: 'anna' });
    expect(fate(undefined, 'rerun', { run })).toBe('over interrupted');
  });
});

describe('a ledger', () => {
  const text = fc.string({ unit: 'binary', maxLength: 400 });
  const steps = fc.array(
    fc.oneof(
      fc.record({
        do: fc.constant('claim' as const),
        tick: fc.nat(100),
        by: text,
      }),
      fc.record({ do: fc.constant('request' as const), by: text }),
      fc.record({
        do: fc.constant('finish' as const),
        nth: fc.nat(5),
        error: fc.option(text, { nil: undefined }),
        durationMs: fc.double(),
        timedOut: fc.boolean(),
      }),
      fc.record({ do: fc.constant('release' as const), nth: fc.nat(5) }),
      fc.record({ do: fc.constant('pause' as const), by: text, reason: text }),
      fc.record({ do: fc.constant('resume' as const), passOver: fc.nat(100) }),
      fc.record({ do: fc.constant('take over' as const), held: fc.boolean() }),
    ),
    { maxLength: 30 },
  );

  it('that this library has written can be read, and never goes back', () => {
    fc.assert(
      fc.property(steps, text, (all, task) => {
        let ledger: LedgerDocument = newLedger(task, {
          token: 1,
          tick: 0,
          since: 0,
        });
        let token = 1;
        let ids = 0;
        for (const step of all) {
          const before = ledger;
          const nth = 'nth' in step ? ledger.open[step.nth]?.id : undefined;
          let next: unknown;
          switch (step.do) {
            case 'claim':
              next = claimed(ledger, {
                ...openRun({ id: `${ids++}`, token, tick: step.tick }),
                instanceId: step.by,
              });
              break;
            case 'request':
              next = claimed(
                ledger,
                openRun({ id: `${ids++}`, token, requestedBy: step.by }),
              );
              break;
            case 'finish': {
              const { error, durationMs, timedOut } = step;
              next = finished(
                ledger,
                String(nth),
                {
                  outcome: timedOut ? 'timed-out' : 'failed',
                  durationMs,
                  ...(error !== undefined && { error }),
                },
                3,
              );
              break;
            }
            case 'release':
              next = released(ledger, String(nth), ledger.tick);
              break;
            case 'pause':
              next = paused(ledger, {
                at: 1,
                by: step.by,
                reason: step.reason,
              });
              break;
            case 'resume':
              next = resumed(ledger, step.passOver);
              break;
            case 'take over':
              token += 1;
              next = takenOver(
                ledger,
                token,
                () =>
                  step.held
                    ? { is: 'open' }
                    : { is: 'over', end: { outcome: 'interrupted' } },
                3,
              );
          }
          if (typeof next === 'object') {
            ledger = next as LedgerDocument;
          }
          expect(parseLedger(serializeLedger(ledger), task)).toEqual(
            JSON.parse(JSON.stringify(ledger)),
          );
          expect(ledger.tick).toBeGreaterThanOrEqual(before.tick);
          expect(ledger.token).toBeGreaterThanOrEqual(before.token);
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['a tick that is not whole', { tick: 0.5 }],
    ['a tick that is no number', { tick: NaN }],
    ['a text in the place of runs', { open: 'x' }],
  ])('with %s is not even written', (_, wrong) => {
    const ledger = {
      ...newLedger('task', { token: 1, tick: 0, since: 0 }),
      ...wrong,
    } as unknown as LedgerDocument;
    expect(() => serializeLedger(ledger)).toThrow(TypeError);
  });
});
