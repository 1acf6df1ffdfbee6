import { describe, expect, test } from '@jest/globals';
import { balanceProblems } from '../../faults/checks/balance.js';
import {
  standingProblems,
  type Contender,
} from '../../faults/checks/standing.js';
import { checkCloses } from '../../faults/checks/closes.js';
import { checkHandOver } from '../../faults/checks/hand-over.js';
import { checkLeadership } from '../../faults/checks/leadership.js';
import { checkPromptness } from '../../faults/checks/promptness.js';
import { checkSameServer } from '../../faults/checks/same-server.js';
import { checkTicks } from '../../faults/checks/ticks.js';
import { checkUsage } from '../../faults/checks/usage.js';
import { checkWrites } from '../../faults/checks/writes.js';
import type { StoredWrite } from '../../faults/fenced-store.js';
import {
  History,
  type Reign,
  type Step,
  type TaskRun,
} from '../../faults/history.js';

const MINUTE_MS = 60_000;

function history(): History {
  return new History(() => undefined);
}

function reign(
  instance: string,
  from: number,
  until: number,
  token = 1,
): Reign {
  return {
    instance,
    election: 'default',
    term: 1,
    fencingToken: token,
    era: 0,
    fromMs: from,
    untilMs: until,
    isOver: true,
    endReason: 'resigned',
  };
}

function run(instance: string, tick: number, atMs = tick): TaskRun {
  return {
    id: tick,
    instance,
    atMs,
    task: 'once',
    election: 'default',
    tick,
    fencingToken: 1,
    attempt: 1,
    trigger: 'schedule',
    endMs: atMs + 100,
  };
}

function step(
  kind: Step['kinds'][number],
  fromMs: number,
  untilMs: number,
): Step {
  return {
    index: 0,
    kinds: [kind],
    notes: [],
    fromMs,
    untilMs,
    servedMs: untilMs,
    healedMs: untilMs,
    tidyMs: untilMs,
    balancedMs: untilMs,
    ensembleGapMs: 0,
    load: 1,
    hasZookeeperFailed: false,
  };
}

describe('checkLeadership', () => {
  test('finds two leaders at a time', () => {
    const past = history();
    past.reigns.push(reign('a', 0, 100, 1), reign('b', 99, 200, 2));
    expect(checkLeadership(past)).toEqual([
      expect.stringContaining('overlaps with default: a'),
    ]);
  });

  test('finds a token that has not grown', () => {
    const past = history();
    past.reigns.push(reign('a', 0, 100, 2), reign('b', 100, 200, 2));
    expect(checkLeadership(past)).toEqual([
      expect.stringContaining('its token is not greater'),
    ]);
  });

  test('leaves out the instance whose node an outsider has deleted, and no other', () => {
    const past = history();
    past.reigns.push(reign('a', 0, 100, 1), reign('b', 99, 200, 2));
    const window = { election: 'default', fromMs: 98, untilMs: 150 };
    past.exemptions.push({ instance: 'c', ...window });
    expect(checkLeadership(past)).toHaveLength(1);
    past.exemptions.push({ instance: 'a', ...window });
    expect(checkLeadership(past)).toEqual([]);
  });
});

describe('checkCloses', () => {
  const ended = (
    instance: string,
    sessionId: string,
    atMs: number,
  ): History => {
    const past = history();
    past.grants.push(
      { instance: 'a', sessionId: 's1', atMs: 0 },
      { instance: 'a', sessionId: 's2', atMs: 200 },
    );
    past.closes.push({
      instance,
      sessionId,
      atMs,
      by: 'the guardian of a',
      isOfGuardian: true,
      isElsewhere: false,
    });
    return past;
  };

  test('finds a session that is ended while its owner leads, and not one that is not', () => {
    const past = ended('a', 's1', 150);
    past.reigns.push(reign('a', 100, 140), reign('b', 100, 300));
    expect(checkCloses(past)).toEqual([]);
    past.reigns.push(reign('a', 100, 160));
    expect(checkCloses(past)).toEqual([
      'the guardian of a ended session s1 of a while it led "default"',
    ]);
  });

  test('finds who leads on a session that was ended, and not on the next one', () => {
    const past = ended('a', 's1', 150);
    past.reigns.push(reign('a', 210, 300));
    expect(checkCloses(past)).toEqual([]);
    past.reigns.push(reign('a', 160, 300));
    expect(checkCloses(past)).toEqual([
      'a leads "default" on session s1, which the guardian of a has ended',
    ]);
  });

  test('lets a session end that its owner has replaced', () => {
    const past = ended('a', 's1', 250);
    past.reigns.push(reign('a', 210, 300));
    expect(checkCloses(past)).toEqual([]);
  });
});

describe('checkWrites', () => {
  const write = (instanceId: string, fencingToken: number): StoredWrite => ({
    id: 1,
    election: 'default',
    instanceId,
    fencingToken,
    atMs: 50,
    isAccepted: true,
    era: 0,
  });

  test('finds a write that was accepted after one of a later leader', () => {
    expect(checkWrites([write('b', 2), write('a', 1)], history())).toEqual([
      'the store has accepted token 1 of a after 2 of b',
    ]);
  });

  test('finds a token that two have used', () => {
    expect(checkWrites([write('a', 1), write('b', 1)], history())).toEqual([
      'b has written with the token 1 of a',
    ]);
  });

  test('finds a leader that is refused', () => {
    const past = history();
    past.reigns.push(reign('a', 0, 100, 1));
    const refused = { ...write('a', 1), isAccepted: false };
    expect(checkWrites([write('b', 2), refused], past)).toEqual([
      expect.stringContaining('a leads "default" and was refused'),
    ]);
  });

  test('does not take a later reign with the same token for the refused one', () => {
    const past = history();
    past.reigns.push(reign('a', 0, 40, 1), reign('a', 60, 100, 1));
    const refused = { ...write('a', 1), isAccepted: false };
    expect(checkWrites([write('b', 2), refused], past)).toEqual([]);
  });
});

describe('checkTicks', () => {
  function withLedger(): History {
    const past = history();
    past.ledgerEras.push({
      fromMs: 0,
      untilMs: Infinity,
      lastTickInTime: undefined,
      runs: new Map(),
      lastTick: new Map(),
    });
    return past;
  }

  test('finds a tick that was run twice', () => {
    const past = withLedger();
    past.runs.push(run('a', 5_000), run('b', 5_000, 5_100));
    expect(checkTicks(past)).toEqual([
      expect.stringContaining('was run twice: by a and b'),
    ]);
  });

  test('finds a tick of a partition that was run twice, and lets two partitions run it', () => {
    const past = withLedger();
    const [one, two] = ['shared[0]', 'shared[1]'].map((task) => ({
      ...run('a', 5_000),
      task,
      election: task,
    })) as [TaskRun, TaskRun];
    past.runs.push(one, two);
    expect(checkTicks(past)).toEqual([]);
    past.runs.push({ ...two, instance: 'b', attempt: 2 });
    expect(checkTicks(past)).toEqual([
      expect.stringContaining('of "shared[1]" was run twice: by a and b'),
    ]);
  });

  test('finds a tick that was claimed twice', () => {
    const past = withLedger();
    const claim = { task: 'once', tick: 5_000, attempt: 1, token: 1 };
    const runs = past.ledgerEras[0]?.runs;
    runs?.set('1', { ...claim, id: '1', instanceId: 'a', outcome: 'finished' });
    runs?.set('2', { ...claim, id: '2', instanceId: 'b', outcome: 'finished' });
    expect(checkTicks(past)).toEqual([
      expect.stringContaining('was claimed twice: by a and b'),
    ]);
  });

  test('finds a tick that nobody has run, up to a clock that was wrong', () => {
    const past = withLedger();
    const [era] = past.ledgerEras;
    for (const tick of [5_000, 7_000]) {
      era?.runs.set(String(tick), {
        id: String(tick),
        task: 'once',
        tick,
        attempt: 1,
        instanceId: 'a',
        token: 1,
        outcome: 'finished',
      });
    }
    era?.lastTick.set('once', 7_000);
    expect(checkTicks(past)).toEqual([
      'ticks of "once" that nobody has run: 00:00:06.000',
    ]);
    if (era) {
      era.lastTickInTime = new Map([['once', 5_000]]);
    }
    expect(checkTicks(past)).toEqual([]);
  });
});

describe('checkHandOver', () => {
  test('finds a leader that has not waited for its run', () => {
    const past = history();
    past.reigns.push(reign('a', 0, 150, 1), reign('b', 160, 300, 2));
    past.runs.push(run('a', 100));
    past.steps.push(step('resign', 90, 310));
    expect(checkHandOver(past)).toEqual([
      'b leads while "once" (tick 100) of a still runs, which has given it up (resigned)',
    ]);
  });

  test('accepts one that has', () => {
    const past = history();
    past.reigns.push(reign('a', 0, 150, 1), reign('b', 201, 300, 2));
    past.runs.push(run('a', 100));
    past.steps.push(step('resign', 90, 310));
    expect(checkHandOver(past)).toEqual([]);
  });
});

describe('checkHandOver of a partition', () => {
  test('finds an owner that has not waited for the run of the former one', () => {
    const past = history();
    const election = 'shared[0]';
    past.reigns.push(
      { ...reign('a', 0, 150, 1), election, endReason: 'unassigned' },
      { ...reign('b', 160, 300, 2), election },
    );
    past.runs.push({ ...run('a', 100), task: election, election });
    past.steps.push(step('terminate', 90, 310));
    expect(checkHandOver(past)).toEqual([
      'b leads while "shared[0]" (tick 100) of a still runs, which has given it up (unassigned)',
    ]);
    past.runs.splice(0, 1, { ...run('a', 100), task: 'once' });
    expect(checkHandOver(past)).toEqual([]);
  });
});

describe('balanceProblems', () => {
  const sharers = [
    { id: 'a', weight: 1 },
    { id: 'b', weight: 2 },
    { id: 'none', weight: 0 },
  ];
  const owners = (...ids: string[]): Map<string, string[]> =>
    new Map(ids.map((id, index) => [`shared[${index}]`, id ? [id] : []]));

  test('finds nothing wrong with shares by weight, rounded up or down', () => {
    expect(balanceProblems(sharers, owners('a', 'a', 'b', 'b'))).toEqual([]);
    expect(balanceProblems(sharers, owners('a', 'b', 'b', 'b'))).toEqual([]);
    expect(balanceProblems([], owners('', ''))).toEqual([]);
  });

  test('finds a partition without an owner, and one with two', () => {
    const both = owners('a', '', 'b', 'b').set('shared[3]', ['a', 'b']);
    expect(balanceProblems(sharers, both)).toEqual([
      'shared[1] belongs to nobody',
      'shared[3] belongs to a, b',
    ]);
  });

  test('finds an instance that owns more or less than its share', () => {
    expect(balanceProblems(sharers, owners('b', 'b', 'b', 'none'))).toEqual([
      'a has 0, and its share is 1.3',
      'none has 1, and its share is 0.0',
    ]);
  });
});

describe('standingProblems', () => {
  const one = (id: string, more: Partial<Contender> = {}): Contender => ({
    id,
    weight: 1,
    elections: ['default', 'second', 'extra-1'],
    isBalanced: true,
    priority: 0,
    ...more,
  });
  const leaders = (names: Record<string, string>): Map<string, string[]> =>
    new Map(Object.entries(names).map(([name, id]) => [name, [id]]));

  test('finds nothing wrong where each leads its share, and anybody "default"', () => {
    const lead = leaders({ default: 'a', second: 'a', 'extra-1': 'b' });
    expect(standingProblems([one('a'), one('b')], lead)).toEqual([]);
  });

  test('finds an instance that leads what others should', () => {
    const lead = leaders({ second: 'a', 'extra-1': 'a' });
    expect(standingProblems([one('a'), one('b')], lead)).toEqual([
      'a has 2, and its share is 1.0',
      'b has 0, and its share is 1.0',
    ]);
    expect(
      standingProblems([one('a', { weight: 0 }), one('b')], lead),
    ).toHaveLength(2);
  });

  test('finds a balanced election without a leader', () => {
    const lead = new Map([['second', []]]);
    expect(standingProblems([one('a')], lead)).toContain(
      'second belongs to nobody',
    );
  });

  test('counts elections with the same participants alone', () => {
    const lead = leaders({ second: 'a', 'extra-1': 'a' });
    const b = one('b', { elections: ['second'] });
    expect(standingProblems([one('a'), b], lead)).toEqual([]);
  });

  test('expects no share where somebody does not balance', () => {
    const lead = leaders({ second: 'a', 'extra-1': 'a' });
    const b = one('b', { isBalanced: false });
    expect(standingProblems([one('a'), b], lead)).toEqual([]);
  });

  test('finds a leader of a lower priority', () => {
    const lead = leaders({ default: 'a', second: 'b' });
    const [a, b] = [
      one('a', { isBalanced: false }),
      one('b', { isBalanced: false, priority: 2 }),
    ];
    expect(standingProblems([a, b], lead)).toEqual([
      'a leads "default" with priority 0, and another one has 2',
    ]);
    expect(standingProblems([a, { ...b, weight: undefined }], lead)).toEqual(
      [],
    );
    expect(
      standingProblems([a, { ...b, elections: ['second'] }], lead),
    ).toEqual([]);
  });
});

describe('checkPromptness', () => {
  test('finds that a session has to expire where none should', () => {
    const past = history();
    for (const fromMs of [0, 10_000, 20_000]) {
      past.reigns.push(
        reign('a', fromMs, fromMs + 100, fromMs),
        reign('b', fromMs + 2_100, fromMs + 10_000, fromMs + 1),
      );
      past.steps.push(step('kill', fromMs + 50, fromMs + 3_000));
    }
    expect(checkPromptness(past, 2_000)).toEqual([
      'after "kill" nobody leads for 2000 ms (median of 3)',
    ]);
    expect(checkPromptness(past, 10_000)).toEqual([]);
    past.reigns.forEach((each, index) => {
      past.reigns[index] = { ...each, election: 'shared[2]' };
    });
    expect(checkPromptness(past, 2_000)).toEqual([
      'after "kill" nobody owns a partition for 2000 ms (median of 3)',
    ]);
  });
});

describe('checkUsage', () => {
  function using(values: (minute: number) => object, minutes: number): History {
    const past = history();
    for (let minute = 0; minute <= minutes; minute++) {
      past.used('a', { atMs: minute * MINUTE_MS, values: values(minute) });
    }
    return past;
  }

  test('finds memory that grows over an hour', () => {
    const leaks = using(
      (minute) => ({ heap: (20 + minute / 5) * 2 ** 20 }),
      60,
    );
    expect(checkUsage(leaks)).toEqual([
      expect.stringMatching(/^heap of a from .* MB in 55 minutes$/),
    ]);
    expect(checkUsage(using(() => ({ heap: 20 * 2 ** 20 }), 60))).toEqual([]);
  });

  test('finds handles and files that are not given back', () => {
    const leaks = using(
      (minute) => ({
        handles: 10 + 3 * minute,
        'file descriptors': 20 + minute,
      }),
      6,
    );
    expect(checkUsage(leaks)).toEqual([
      'handles of a from 16 to 28 in 5 minutes',
      'file descriptors of a from 22 to 26 in 5 minutes',
    ]);
  });
});

describe('checkSameServer', () => {
  const closed = (elsewhere: readonly boolean[]): History => {
    const past = history();
    past.steps.push(step('kill', 0, 1_000));
    past.closes.push(
      ...elsewhere.map((isElsewhere, index) => ({
        instance: 'a',
        sessionId: `s${index}`,
        by: 'the guardian of a',
        isOfGuardian: true,
        isElsewhere,
        atMs: 100 + index,
      })),
    );
    return past;
  };

  test('finds guardians that go to another server first', () => {
    expect(checkSameServer(closed([true, true, true, false]))).toEqual([
      'guardians ended 3 of 4 sessions at another server than that of the application',
    ]);
  });

  test('lets a guardian go to another server when the first one does not answer', () => {
    const past = closed([true, true, false, false, true, false]);
    expect(checkSameServer(past)).toEqual([]);
  });

  test('looks at no step in which servers or the network were disturbed', () => {
    const past = closed([true, true, true]);
    past.steps.splice(0, 1, step('partition', 0, 1_000));
    expect(checkSameServer(past)).toEqual([]);
  });
});
