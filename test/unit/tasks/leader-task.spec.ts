import {
  afterEach,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { config, map } from 'rxjs';
import { LeaderTask } from '../../../lib/tasks/leader-task.js';
import { requestRun } from '../../../lib/tasks/requests/request-run.js';
import { ZookeeperError } from '../../../lib/zookeeper/zookeeper.error.js';
import { ODD_ERRORS } from '../../support/odd-errors.js';
import {
  LabJob,
  settled,
  TaskLab,
  type LabMember,
  type LabOptions,
  type Loss,
} from '../../support/task-lab.js';
import { waitFor } from '../../support/wait-for.js';

let lab: TaskLab;

afterEach(() => lab.close());

/** The first leads, with a ledger that began at 12:00. */
async function setUp(
  options: LabOptions = {},
  names = ['A'],
): Promise<LabMember[]> {
  lab = new TaskLab({ ledger: true, ...options });
  const members = names.map((name) => lab.member(name));
  members[0]?.election.elect();
  await settled();
  return members;
}

function typesOf({ events }: LabMember): string[] {
  return events.map((event) =>
    event.type === 'skipped' ? `skipped ${event.reason}` : event.type,
  );
}

/** A later leader, the job of the former one being gone with it. */
async function handOver(from: LabMember, to: LabMember): Promise<void> {
  from.crash();
  to.election.elect();
  await settled();
}

describe('what is switched off', () => {
  const ways: [string, (member: LabMember) => void][] = [
    ['is disabled or stopped', ({ job }) => (job.isActive = false)],
    ['has been deleted', ({ jobs }) => jobs.clear()],
  ];

  it.each(ways)('is not run late, where the job %s', async (_, switchOff) => {
    for (const missedTicks of ['latest', 'all', 'skip'] as const) {
      const [a, b] = await setUp({ ledger: { missedTicks } }, ['A', 'B']);
      b!.tasks.list();
      switchOff(b!);
      lab.now = '2026-01-01T12:03:30Z';
      await handOver(a!, b!);
      expect(lab.runs).toEqual([]);
      expect(typesOf(b!)).toEqual([]);
      await lab.close();
    }
  });

  it.each(ways)(
    'is not run again after an interruption, where the job %s, until it is back',
    async (_, switchOff) => {
      const [a, b] = await setUp({ ledger: { interruptedRun: 'rerun' } }, [
        'A',
        'B',
      ]);
      lab.work = () => new Promise(() => undefined);
      lab.now = '2026-01-01T12:01:00Z';
      void a!.fire();
      await settled();
      lab.work = () => undefined;
      b!.tasks.list();
      switchOff(b!);
      await handOver(a!, b!);
      expect(lab.ticks).toEqual(['A 12:01']);
      b!.job.isActive = true;
      b!.jobs.set('job', b!.job);
      await waitFor(() => lab.runs.length === 2);
      expect(lab.runs[1]).toMatchObject({
        by: 'B',
        tick: '12:01',
        attempt: 2,
        trigger: 'interrupted',
      });
    },
  );

  it.each(ways)(
    'runs no further tick of a backlog, where the job %s meanwhile',
    async (_, switchOff) => {
      const [a, b] = await setUp({ ledger: { missedTicks: 'all' } }, [
        'A',
        'B',
      ]);
      const ends: (() => void)[] = [];
      lab.work = () => new Promise<void>((resolve) => ends.push(resolve));
      lab.now = '2026-01-01T13:00:00Z';
      await handOver(a!, b!);
      expect(lab.ticks).toEqual(['B 12:01']);
      switchOff(b!);
      ends[0]?.();
      await settled();
      expect(lab.runs).toHaveLength(1);
    },
  );

  it('runs no further tick of a backlog when its application closes: the next leader does', async () => {
    const [a, b, c] = await setUp({ ledger: { missedTicks: 'all' } }, [
      'A',
      'B',
      'C',
    ]);
    const ends: (() => void)[] = [];
    lab.work = () => new Promise<void>((resolve) => ends.push(resolve));
    lab.now = '2026-01-01T12:03:30Z';
    await handOver(a!, b!);
    const closed = b!.tasks.close();
    ends[0]?.();
    await closed;
    await settled();
    expect(lab.ticks).toEqual(['B 12:01']);
    lab.work = () => undefined;
    await handOver(b!, c!);
    expect(lab.ticks).toEqual(['B 12:01', 'C 12:02', 'C 12:03']);
  });

  it('is not run on request, unless that is forced', async () => {
    const [a] = await setUp();
    a!.job.isActive = false;
    await expect(a!.tasks.runOnLeader('task')).resolves.toMatchObject({
      outcome: 'skipped',
      reason: 'inactive',
    });
    await expect(
      a!.tasks.runOnLeader('task', { force: true }),
    ).resolves.toMatchObject({ outcome: 'finished' });
    expect(lab.runs).toMatchObject([{ trigger: 'requested' }]);
  });
});

describe('missed ticks are looked for', () => {
  it('when a job becomes active, however late', async () => {
    const [a, b] = await setUp({}, ['A', 'B']);
    b!.job.isActive = false;
    lab.now = '2026-01-01T12:03:30Z';
    await handOver(a!, b!);
    expect(lab.runs).toEqual([]);
    b!.job.isActive = true;
    await waitFor(() => lab.runs.length > 0);
    expect(lab.runs).toMatchObject([{ tick: '12:03', trigger: 'missed' }]);
  });

  it('when a job that had been stopped is started again', async () => {
    const [a] = await setUp({ ledger: { missedTicks: 'all' } });
    lab.now = '2026-01-01T12:01:00Z';
    await a!.fire();
    a!.job.isActive = false;
    await waitFor(async () => a!.tasks.list()[0]?.isActive === false);
    await new Promise((resolve) => setTimeout(resolve, 600));
    lab.now = '2026-01-01T12:03:30Z';
    a!.job.isActive = true;
    await waitFor(() => lab.runs.length === 3);
    expect(lab.ticks).toEqual(['A 12:01', 'A 12:02', 'A 12:03']);
  });

  it('when a job that is added later is found', async () => {
    const [a, b] = await setUp({ expression: null }, ['A', 'B']);
    lab.now = '2026-01-01T12:02:30Z';
    await handOver(a!, b!);
    b!.jobs.set('job', b!.job);
    await waitFor(() => lab.runs.length > 0);
    expect(lab.ticks).toEqual(['B 12:02']);
  });

  it('when a tick has come while the first leader was making the ledger', async () => {
    lab = new TaskLab({ ledger: true });
    const first = lab.member('A');
    first.client.disconnect();
    first.election.elect();
    await settled();
    lab.now = '2026-01-01T12:01:30Z';
    first.client.connect();
    await waitFor(() => lab.runs.length > 0);
    expect(lab.runs).toMatchObject([{ tick: '12:01', trigger: 'missed' }]);
  });

  it('when a job has not called for a tick, as after a threshold', async () => {
    await setUp();
    lab.now = '2026-01-01T12:01:30Z';
    await waitFor(() => lab.runs.length > 0, { timeoutMs: 10_000 });
    expect(lab.runs).toMatchObject([{ tick: '12:01', trigger: 'missed' }]);
  });

  it.each<[NonNullable<LabOptions['overlap']>, string[]]>([
    ['skip', ['A 12:01', 'A 12:06']],
    ['allow', ['A 12:01', 'A 12:03', 'A 12:06']],
  ])(
    "not for ticks that the job itself leaves out during a run, with '%s'",
    async (overlap, expected) => {
      const [a] = await setUp({ overlap, ledger: { missedTicks: 'all' } });
      a!.job.waitForCompletion = true;
      const ends: (() => void)[] = [];
      lab.work = () => new Promise<void>((resolve) => ends.push(resolve));
      lab.now = '2026-01-01T12:01:00Z';
      const fired = a!.fire();
      await settled();
      lab.now = '2026-01-01T12:03:30Z';
      // By other code: it would be preceded by what is missed.
      void a!.guarded();
      await settled();
      lab.now = '2026-01-01T12:05:30Z';
      ends.forEach((end) => end());
      await fired;
      lab.now = '2026-01-01T12:06:00Z';
      lab.work = () => undefined;
      await a!.fire();
      expect(lab.ticks).toEqual(expected);
      expect(typesOf(a!)).not.toContain('missed');
    },
  );

  it('after any run that a job with waitForCompletion has not waited for', async () => {
    const [a, b] = await setUp({ ledger: { missedTicks: 'all' } }, ['A', 'B']);
    b!.job.waitForCompletion = true;
    lab.work = () => Promise.resolve();
    lab.now = '2026-01-01T12:03:30Z';
    await handOver(a!, b!);
    expect(lab.ticks).toEqual(['B 12:01', 'B 12:02', 'B 12:03']);
    lab.now = '2026-01-01T12:04:30Z';
    await b!.tasks.runOnLeader('task');
    lab.now = '2026-01-01T12:05:00Z';
    await b!.fire();
    expect(lab.ticks.slice(4)).toEqual(['B 12:04', 'B 12:05']);
  });
});

describe("a backlog with 'all'", () => {
  /** The first missed tick goes on, and so does whatever follows it. */
  async function hang(options: LabOptions = {}): Promise<LabMember> {
    const [a, b] = await setUp(
      { overlap: 'allow', ledger: { missedTicks: 'all' }, ...options },
      ['A', 'B'],
    );
    lab.work = () => new Promise(() => undefined);
    lab.now = '2026-01-01T12:02:30Z';
    await handOver(a!, b!);
    expect(lab.ticks).toEqual(['B 12:01']);
    return b!;
  }

  it('is run one after the other, also where runs may overlap', async () => {
    const looks = jest.spyOn(LeaderTask.prototype, 'checkJob');
    await hang();
    // Longer than it takes until an overdue tick is noticed.
    await waitFor(() => looks.mock.calls.length > 12, { timeoutMs: 20_000 });
    expect(lab.ticks).toEqual(['B 12:01']);
  });

  it('goes on after a run that has timed out and is not in the way', async () => {
    await hang({ timeLimitMs: 50 });
    await waitFor(() => lab.runs.length === 2);
    expect(lab.ticks).toEqual(['B 12:01', 'B 12:02']);
  });

  it.each(['allow', 'skip'] as const)(
    'lets calls wait no longer than the term, with overlap %s',
    async (overlap) => {
      const b = await hang({ overlap });
      lab.now = '2026-01-01T12:03:00Z';
      const called = b.fire();
      await settled();
      b.election.depose();
      await called;
      expect(typesOf(b)).toContain('skipped not-leading');
    },
  );
});

describe('a write whose outcome never comes', () => {
  const losses: Loss[] = ['answer', 'request', 'both'];

  describe.each(losses)('(lost: %s)', (loss) => {
    it.each(['latest', 'all'] as const)(
      "loses no tick with missedTicks '%s', when it is a claim",
      async (missedTicks) => {
        const [a] = await setUp({ ledger: { missedTicks } });
        a!.client.loses = (path) => {
          if (path !== lab.path) {
            return undefined;
          }
          a!.client.loses = undefined;
          a!.client.disconnect();
          return loss;
        };
        lab.now = '2026-01-01T12:01:00Z';
        const fired = a!.fire();
        await settled();
        expect(a!.client.writes.at(-1)).toBe(lab.path);
        // Mute until the term has ended: the same process leads next.
        a!.election.depose('lease-expired');
        await fired;
        a!.client.connect();
        a!.election.elect();
        await waitFor(() => lab.runs.length > 0);
        await settled();
        expect(lab.runs).toMatchObject([
          { by: 'A', tick: '12:01', attempt: 1, trigger: 'missed' },
        ]);
        expect(typesOf(a!)).not.toContain('interrupted');
        const history = await a!.tasks.history('task');
        expect(history.map(({ outcome }) => outcome)).toEqual(['finished']);
      },
    );

    it('loses no rerun and no tick, when a term takes the ledger over', async () => {
      const [a, b] = await setUp({ ledger: { interruptedRun: 'rerun' } }, [
        'A',
        'B',
      ]);
      lab.work = () => new Promise(() => undefined);
      lab.now = '2026-01-01T12:01:00Z';
      void a!.fire();
      await settled();
      lab.work = () => undefined;
      b!.client.loses = (path) => {
        if (path !== lab.path) {
          return undefined;
        }
        b!.client.loses = undefined;
        b!.client.disconnect();
        return loss;
      };
      await handOver(a!, b!);
      b!.election.depose('lease-expired');
      await settled();
      b!.client.connect();
      b!.election.elect();
      await waitFor(() => lab.runs.length === 2);
      await settled();
      expect(lab.runs).toMatchObject([
        { by: 'A', tick: '12:01', attempt: 1 },
        { by: 'B', tick: '12:01', attempt: 2, trigger: 'interrupted' },
      ]);
    });

    it('leaves a run that has ended ended, when it is the end of a run', async () => {
      const [a] = await setUp({ ledger: { interruptedRun: 'rerun' } });
      lab.work = () => {
        a!.client.loses = (path) => {
          if (path !== lab.path) {
            return undefined;
          }
          a!.client.loses = undefined;
          a!.client.disconnect();
          return loss;
        };
      };
      lab.now = '2026-01-01T12:01:00Z';
      await a!.fire();
      await settled();
      expect(a!.tasks.list()[0]?.running).toBe(0);
      a!.election.depose('lease-expired');
      // Longer than a run may go on after its term.
      await new Promise((resolve) => setTimeout(resolve, 200));
      a!.client.connect();
      a!.election.elect();
      await waitFor(
        async () => (await a!.tasks.history('task'))[0]?.outcome === 'finished',
      );
      await settled();
      expect(lab.ticks).toEqual(['A 12:01']);
      expect(typesOf(a!)).toEqual(['started', 'finished']);
      expect(lab.logger.messages('warn')).toEqual([]);
    });
  });

  it.each(losses)(
    '(lost: %s) loses no tick, when it gives a claim back and the term goes on',
    async (loss) => {
      const [a] = await setUp();
      a!.client.loses = (path) => {
        if (path !== lab.path) {
          return undefined;
        }
        // The claim is made, and then there is no proof of leadership.
        a!.election.suspend();
        a!.client.loses = () => {
          a!.client.loses = undefined;
          a!.client.disconnect();
          return loss;
        };
        return undefined;
      };
      lab.now = '2026-01-01T12:01:00Z';
      await a!.fire();
      expect(lab.runs).toEqual([]);
      a!.election.resume();
      a!.client.connect();
      await waitFor(() => lab.runs.length > 0);
      await settled();
      expect(lab.runs).toMatchObject([{ tick: '12:01', attempt: 1 }]);
      const history = await a!.tasks.history('task');
      expect(history.map(({ outcome }) => outcome)).toEqual(['finished']);
    },
  );

  it('within a term is made once more, and the tick is run once', async () => {
    for (const loss of losses) {
      const [a] = await setUp();
      a!.client.loses = (path) => {
        a!.client.loses = undefined;
        return path === lab.path ? loss : undefined;
      };
      lab.now = '2026-01-01T12:01:00Z';
      await a!.fire();
      expect(lab.runs).toMatchObject([{ tick: '12:01', trigger: 'call' }]);
      await lab.close();
    }
  });

  it('that no connection heals leaves the end of a run to the next term', async () => {
    const [a] = await setUp({ ledger: { interruptedRun: 'rerun' } });
    const { client } = a!;
    const set = client.set.bind(client);
    lab.work = () => {
      client.set = async () => {
        throw new Error('no permission');
      };
    };
    lab.now = '2026-01-01T12:01:00Z';
    await a!.fire();
    await settled();
    expect(lab.logger.messages('error')).toEqual([
      expect.stringMatching(/could not be recorded .*: no permission/),
    ]);
    client.set = set;
    a!.election.depose();
    a!.election.elect();
    await settled();
    expect(lab.ticks).toEqual(['A 12:01']);
    const [last] = await a!.tasks.history('task');
    expect(last).toMatchObject({ outcome: 'finished' });
  });
});

// An unhandled rejection fails a test of Jest by itself.
describe('an error of any kind', () => {
  it.each(ODD_ERRORS)(
    '(%s) is a failed run, and nothing worse',
    async (_, error) => {
      const [a] = await setUp({ ledger: { missedTicks: 'latest' } });
      lab.work = async () => {
        throw error;
      };
      lab.now = '2026-01-01T12:01:00Z';
      await a!.fire().catch(() => undefined);
      // And where no scheduler would log it.
      lab.now = '2026-01-01T12:02:30Z';
      a!.election.depose();
      a!.election.elect();
      await waitFor(() => a!.tasks.list()[0]?.counts.failed === 2);
      await a!.tasks.runOnLeader('task');
      await settled();
      const history = await a!.tasks.history('task');
      expect(history.map(({ outcome }) => outcome)).toEqual([
        'failed',
        'failed',
        'failed',
      ]);
    },
  );
});

describe('a ledger from the future', () => {
  it('is logged with its path and what to do; deleting it helps at once', async () => {
    const [a] = await setUp({}, ['A']);
    lab.now = '2029-01-01T12:01:00Z';
    await a!.fire();
    expect(lab.ticks).toEqual(['A 12:01']);
    lab.now = '2026-01-01T12:02:00Z';
    await a!.fire();
    await a!.fire();
    expect(typesOf(a!).slice(-2)).toEqual([
      'skipped ledger-unavailable',
      'skipped ledger-unavailable',
    ]);
    expect(a!.events.at(-1)).toMatchObject({
      error: { code: 'LEDGER_AHEAD' },
    });
    const errors = lab.logger.messages('error');
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(lab.path);
    expect(errors[0]).toMatch(/2029-01-01T12:01.*delete/);
    await lab.cluster.nodes.client.delete(lab.path);
    await a!.fire();
    expect(lab.ticks).toEqual(['A 12:01', 'A 12:02']);
  });

  it('is logged when a term begins, before any call', async () => {
    const [a, b] = await setUp({}, ['A', 'B']);
    lab.now = '2029-01-01T12:01:00Z';
    await a!.fire();
    lab.now = '2026-01-01T12:02:00Z';
    await handOver(a!, b!);
    expect(lab.logger.messages('error')).toEqual([
      expect.stringContaining(lab.path),
    ]);
  });
});

describe('a ledger of a later leader', () => {
  async function fireOnLaterLedger(hasEntry: boolean): Promise<LabMember> {
    const [a] = await setUp();
    const confirm = jest
      .spyOn(a!.election, 'confirm')
      .mockImplementation(() => Promise.resolve(hasEntry));
    const later = { ...(await lab.ledger()), token: Number.MAX_SAFE_INTEGER };
    await lab.cluster.nodes.client.set(lab.path, JSON.stringify(later));
    lab.now = '2026-01-01T12:01:00Z';
    await a!.fire();
    await settled();
    expect(lab.runs).toEqual([]);
    expect(confirm).toHaveBeenCalled();
    return a!;
  }

  it('is wrong, where ZooKeeper says that the entry of this leader is there', async () => {
    const a = await fireOnLaterLedger(true);
    expect(typesOf(a)).toEqual(['skipped ledger-unavailable']);
    expect(lab.logger.messages('error')).toEqual([
      expect.stringMatching(/Look at the znode .*\/task; when it is deleted/),
    ]);
  });

  it('is right, where somebody has deleted that entry: nobody is told to delete it', async () => {
    const a = await fireOnLaterLedger(false);
    expect(typesOf(a)).toEqual(['skipped not-leading']);
    expect(lab.logger.messages('error')).toEqual([]);
  });
});

describe('a task that calls itself', () => {
  it.each<LabOptions>([
    { ledger: true, overlap: 'skip' },
    { ledger: true, overlap: 'queue-one' },
    { ledger: true, overlap: 'allow' },
    { ledger: false, overlap: 'skip' },
    { ledger: false, overlap: 'queue-one' },
  ])('does all of its work in one run: %j', async (options) => {
    const [a] = await setUp(options);
    let pages = 0;
    lab.work = async () => {
      pages += 1;
      if (pages < 3) {
        await a!.guarded();
      }
    };
    lab.now = '2026-01-01T12:01:00Z';
    await a!.fire();
    expect(pages).toBe(3);
    expect(typesOf(a!)).toEqual(['started', 'finished']);
  });
});

describe('two tasks that call each other', () => {
  it.each<LabOptions>([
    { ledger: true, overlap: 'queue-one' },
    { ledger: false, overlap: 'queue-one' },
    { ledger: false, overlap: 'skip' },
  ])('do all of their work in one run of each: %j', async (options) => {
    const [a] = await setUp(options);
    let pages = 0;
    const other = a!.election.onlyLeader(
      async () => {
        await settled(1);
        await a!.guarded();
      },
      { ...options, ledger: false, task: 'other' },
    );
    lab.work = async () => {
      pages += 1;
      await settled(1);
      if (pages < 3) {
        await other();
      }
    };
    lab.now = '2026-01-01T12:01:00Z';
    const fired = a!.fire();
    await waitFor(() => pages === 3);
    await fired;
    expect(typesOf(a!)).toEqual(['started', 'started', 'finished', 'finished']);
  });
});

describe('a pause', () => {
  it.each([true, false])(
    'holds for a task with a ledger: %s, on every way to a run, and survives leaders',
    async (ledger) => {
      const [a, b] = await setUp({ ledger: ledger && { missedTicks: 'all' } }, [
        'A',
        'B',
      ]);
      await b!.tasks.pause('task', { reason: 'too much', by: 'anna' });
      await settled();
      lab.now = '2026-01-01T12:01:00Z';
      await a!.fire();
      await expect(a!.tasks.runOnLeader('task')).resolves.toMatchObject({
        outcome: 'skipped',
        reason: 'paused',
      });
      lab.now = '2026-01-01T12:02:30Z';
      await handOver(a!, b!);
      await b!.fire();
      expect(lab.runs).toEqual([]);
      expect(a!.events[0]).toMatchObject({
        type: 'skipped',
        reason: 'paused',
        pause: {
          by: 'anna',
          reason: 'too much',
          at: new Date('2026-01-01T12:00:00Z'),
        },
      });
      expect(b!.tasks.list()[0]?.paused).toMatchObject({ by: 'anna' });
      await expect(b!.tasks.pauseOf('task')).resolves.toMatchObject({
        by: 'anna',
      });
      await expect(
        b!.tasks.runOnLeader('task', { force: true }),
      ).resolves.toMatchObject({ outcome: 'finished' });
      await expect(b!.tasks.resume('task')).resolves.toBe(true);
      await expect(b!.tasks.resume('task')).resolves.toBe(false);
      await settled();
      // What was missed meanwhile is left out; the next one runs.
      expect(lab.runs).toMatchObject([{ trigger: 'requested' }]);
      lab.now = '2026-01-01T12:03:00Z';
      await b!.fire();
      expect(lab.runs[1]).toMatchObject({ tick: '12:03', trigger: 'call' });
      expect(typesOf(b!)).not.toContain('missed');
    },
  );

  it('is made up for when it ends, if that is asked for', async () => {
    const [a] = await setUp({ ledger: { missedTicks: 'all' } });
    await a!.tasks.pause('task');
    lab.now = '2026-01-01T12:01:00Z';
    await a!.fire();
    lab.now = '2026-01-01T12:02:30Z';
    await a!.tasks.resume('task', { catchUp: true });
    await waitFor(() => lab.runs.length === 2);
    expect(lab.ticks).toEqual(['A 12:01', 'A 12:02']);
  });

  it('that has ended unnoticed is made up for before the next call', async () => {
    const [a, b] = await setUp({ ledger: { missedTicks: 'all' } }, ['A', 'B']);
    await a!.tasks.pause('task');
    lab.now = '2026-01-01T12:01:00Z';
    await a!.fire();
    lab.now = '2026-01-01T12:03:00Z';
    // The leader does not hear of it: its next call finds out.
    a!.client.getChildren = () => new Promise(() => undefined);
    const { get } = a!.client;
    let isDeaf = true;
    a!.client.get = (path, watcher) =>
      get.call(a!.client, path, watcher && isDeaf ? undefined : watcher);
    await b!.tasks.resume('task', { catchUp: true });
    isDeaf = false;
    void a!.fire();
    await waitFor(() => lab.runs.length === 3);
    expect(lab.ticks).toEqual(['A 12:01', 'A 12:02', 'A 12:03']);
  });

  it('keeps its first author, when somebody pauses again', async () => {
    const [a] = await setUp();
    await a!.tasks.pause('task', { by: 'anna' });
    await expect(a!.tasks.pause('task', { by: 'bob' })).resolves.toMatchObject({
      by: 'anna',
    });
  });

  it('comes before a claim that has been decided on what was known', async () => {
    const [a, b] = await setUp({}, ['A', 'B']);
    lab.now = '2026-01-01T12:01:00Z';
    await b!.tasks.pause('task');
    // A has not looked at the ledger since; its compare-and-set has to fail.
    await a!.fire();
    expect(lab.runs).toEqual([]);
    expect(typesOf(a!)).toEqual(['skipped paused']);
  });

  it('holds back what was interrupted, and lets it go afterwards', async () => {
    const [a, b] = await setUp({ ledger: { interruptedRun: 'rerun' } }, [
      'A',
      'B',
    ]);
    lab.work = () => new Promise(() => undefined);
    lab.now = '2026-01-01T12:01:00Z';
    void a!.fire();
    await settled();
    lab.work = () => undefined;
    await b!.tasks.pause('task');
    await handOver(a!, b!);
    expect(lab.runs).toHaveLength(1);
    await b!.tasks.resume('task');
    await waitFor(() => lab.runs.length === 2);
    expect(lab.runs[1]).toMatchObject({ tick: '12:01', attempt: 2 });
  });

  it('that comes while a term takes the ledger over holds back its reruns', async () => {
    const [a, b] = await setUp({ ledger: { interruptedRun: 'rerun' } }, [
      'A',
      'B',
    ]);
    lab.work = () => new Promise(() => undefined);
    lab.now = '2026-01-01T12:01:00Z';
    void a!.fire();
    await settled();
    lab.work = () => undefined;
    const pause = { at: Date.now(), by: 'anna' };
    const paused = JSON.stringify({ ...(await lab.ledger()), pause });
    b!.client.loses = (path) => {
      if (path === lab.path) {
        b!.client.loses = undefined;
        void lab.cluster.nodes.client.set(lab.path, paused);
      }
      return undefined;
    };
    await handOver(a!, b!);
    expect(lab.ticks).toEqual(['A 12:01']);
    await b!.tasks.resume('task');
    await waitFor(() => lab.runs.length === 2);
    expect(lab.ticks).toEqual(['A 12:01', 'B 12:01']);
  });

  it('of a task that is not there is refused', async () => {
    const [a] = await setUp();
    await expect(a!.tasks.pause('tusk')).rejects.toMatchObject({
      code: 'UNKNOWN_TASK',
    });
  });
});

describe('a run on request', () => {
  it('happens on the leader, once, and is remembered with who asked', async () => {
    const [a, b] = await setUp({}, ['A', 'B']);
    lab.work = () => 'done';
    const answer = await b!.tasks.runOnLeader('task', { by: 'anna' });
    expect(answer).toMatchObject({
      task: 'task',
      instanceId: 'A',
      outcome: 'finished',
    });
    expect(lab.runs).toMatchObject([
      { by: 'A', tick: undefined, trigger: 'requested' },
    ]);
    await settled();
    const [last] = await b!.tasks.history('task');
    expect(last).toMatchObject({
      id: answer.runId,
      requestedBy: 'anna',
      trigger: 'requested',
      outcome: 'finished',
    });
    expect(a!.events[0]).toMatchObject({
      type: 'started',
      runId: answer.runId,
      requestedBy: 'anna',
    });
    // The ticks go on as if nothing had been.
    lab.now = '2026-01-01T12:01:00Z';
    await a!.fire();
    expect(lab.ticks[1]).toBe('A 12:01');
    const { children } = await lab.cluster.nodes.client.getChildren(
      lab.cluster.nodes.paths.requests,
    );
    expect(children).toEqual([]);
  });

  it('reports a failure, and a run that goes on', async () => {
    const [a] = await setUp();
    lab.work = async () => {
      throw new Error('of the task');
    };
    await expect(a!.tasks.runOnLeader('task')).resolves.toMatchObject({
      outcome: 'failed',
      error: 'of the task',
    });
    let end: () => void = () => undefined;
    lab.work = () => new Promise<void>((resolve) => (end = resolve));
    lab.now = '2026-01-01T12:01:00Z';
    const fired = a!.fire();
    await settled();
    await expect(a!.tasks.runOnLeader('task')).resolves.toMatchObject({
      outcome: 'skipped',
      reason: 'overlap',
    });
    end();
    await fired;
  });

  it('is refused where nobody leads', async () => {
    const [a] = await setUp();
    a!.election.depose();
    await expect(a!.tasks.runOnLeader('task')).rejects.toMatchObject({
      code: 'NO_LEADER',
    });
    expect(lab.runs).toEqual([]);
  });

  describe('says whether it may have been run', () => {
    const ask = (by: LabMember) =>
      requestRun({
        nodes: { client: by.client, paths: lab.cluster.nodes.paths },
        task: 'task',
        requestedBy: 'anna',
        isForced: false,
        answerWithinMs: 50,
        leaderToken: async () => {
          const [first] = await by.election.participants();
          return first?.leaderSince && first.fencingToken;
        },
      });

    it('when no leader takes it: it was not', async () => {
      const [a, b] = await setUp({}, ['A', 'B']);
      a!.client.disconnect();
      await expect(ask(b!)).rejects.toMatchObject({
        code: 'NO_ANSWER',
        message: expect.stringContaining('nobody took it within 50 ms'),
      });
      a!.client.connect();
      await settled();
      expect(lab.runs).toEqual([]);
    });

    it('when its node is gone: it may have been', async () => {
      const [, b] = await setUp({}, ['A', 'B']);
      lab.work = () => new Promise(() => undefined);
      const asked = ask(b!).catch((error: unknown) => error);
      await waitFor(() => lab.runs.length === 1);
      const { client, paths } = lab.cluster.nodes;
      const [id] = (await client.getChildren(paths.requests)).children;
      await client.delete(`${paths.requests}/${id}`);
      expect(await asked).toMatchObject({
        code: 'NO_ANSWER',
        message: expect.stringContaining('the leader may have run it'),
      });
    });

    it('when the leader that took it is gone: it may have been', async () => {
      const [a, b] = await setUp({}, ['A', 'B']);
      lab.work = () => new Promise(() => undefined);
      const begun = performance.now.bind(performance);
      const asked = ask(b!).catch((error: unknown) => error);
      await waitFor(() => lab.runs.length === 1);
      a!.crash();
      let aheadMs = 0;
      const clock = jest
        .spyOn(performance, 'now')
        .mockImplementation(() => begun() + (aheadMs += 20_000));
      const error = await asked;
      clock.mockRestore();
      expect(error).toMatchObject({
        code: 'NO_ANSWER',
        message: expect.stringContaining('A took it and leads no more'),
      });
    });

    it('when ZooKeeper lets nobody ask: it was not', async () => {
      const [a, b] = await setUp({}, ['A', 'B']);
      b!.client.create = async (path) => {
        throw new ZookeeperError('NO_AUTH', 'closed to clients', path);
      };
      await expect(b!.tasks.runOnLeader('task')).rejects.toMatchObject({
        code: 'NO_PERMISSION',
        message: expect.stringMatching(/"task": .*closed to clients/),
      });
      expect(typesOf(a!)).toEqual([]);
    });
  });

  it('is never run by a later leader, once it has been claimed', async () => {
    const [a, b, c] = await setUp({ ledger: { interruptedRun: 'rerun' } }, [
      'A',
      'B',
      'C',
    ]);
    lab.work = () => new Promise(() => undefined);
    const abort = new AbortController();
    const asked = c!.tasks.runOnLeader('task', { signal: abort.signal });
    const refused = asked.catch((error: unknown) => error);
    await waitFor(() => lab.runs.length === 1);
    lab.work = () => undefined;
    await handOver(a!, b!);
    await settled();
    expect(lab.runs).toHaveLength(1);
    expect(typesOf(b!)).toEqual(['interrupted']);
    abort.abort(new Error('enough'));
    expect(await refused).toEqual(new Error('enough'));
  });

  it('is taken when its task comes after it', async () => {
    const [a, b] = await setUp({}, ['A', 'B']);
    b!.election.onlyLeader(() => undefined, { task: 'late' });
    const asked = b!.tasks.runOnLeader('late');
    await settled();
    a!.election.onlyLeader(() => undefined, { task: 'late' });
    await expect(asked).resolves.toMatchObject({ instanceId: 'A' });
  });

  it('is taken by a leader that comes after it', async () => {
    const [a, b] = await setUp({}, ['A', 'B']);
    // It leads, and hears of nothing.
    a!.client.disconnect();
    const asked = b!.tasks.runOnLeader('task');
    await settled();
    a!.crash();
    b!.election.elect();
    await expect(asked).resolves.toMatchObject({ instanceId: 'B' });
    expect(lab.runs).toMatchObject([{ by: 'B' }]);
  });
});

describe('a time limit', () => {
  it('aborts the signal with a reason; the run has timed out', async () => {
    const [a] = await setUp({ timeLimitMs: 30 });
    const reasons: unknown[] = [];
    lab.work = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason);
          reject(new Error('stopped'));
        });
      });
    lab.now = '2026-01-01T12:01:00Z';
    await expect(a!.fire()).rejects.toMatchObject({ code: 'TIME_LIMIT' });
    expect(reasons).toMatchObject([{ code: 'TIME_LIMIT' }]);
    expect(a!.events.at(-1)).toMatchObject({ type: 'failed', timedOut: true });
    await waitFor(
      async () => (await a!.tasks.history('task'))[0]?.outcome === 'timed-out',
    );
    await expect(a!.tasks.runOnLeader('task')).resolves.toMatchObject({
      outcome: 'timed-out',
    });
  });

  it('is a failure for retry, whose next try has a limit of its own', async () => {
    const [a] = await setUp({
      timeLimitMs: 40,
      retry: { attempts: 2, backoffMs: 1 },
    });
    lab.work = ({ signal, attempt }) =>
      attempt === 1
        ? new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new Error('late')));
          })
        : signal.aborted;
    lab.now = '2026-01-01T12:01:00Z';
    await expect(a!.fire()).resolves.toBe(false);
    expect(typesOf(a!)).toEqual(['started', 'failed', 'started', 'finished']);
  });

  it('of a method that goes on is reported; with skip it is still in the way', async () => {
    const [a] = await setUp({
      timeLimitMs: 20,
      drainTimeoutMs: 20,
      overlap: 'skip',
    });
    let end: () => void = () => undefined;
    lab.work = () => new Promise<void>((resolve) => (end = resolve));
    lab.now = '2026-01-01T12:01:00Z';
    await expect(a!.fire()).rejects.toMatchObject({ code: 'TIME_LIMIT' });
    expect(typesOf(a!)).toEqual(['started', 'failed', 'overran']);
    expect(lab.logger.messages('warn')).toEqual([
      expect.stringMatching(/still runs 20 ms after its time limit/),
    ]);
    lab.now = '2026-01-01T12:02:00Z';
    await a!.fire();
    expect(typesOf(a!).at(-1)).toBe('skipped overlap');
    end();
    await settled();
    lab.now = '2026-01-01T12:03:00Z';
    const fired = a!.fire();
    await settled();
    end();
    await fired;
    expect(lab.ticks).toEqual(['A 12:01', 'A 12:03']);
  });

  it('is an end: the next leader does not run it again', async () => {
    const [a, b] = await setUp(
      {
        timeLimitMs: 20,
        drainTimeoutMs: 20,
        ledger: { interruptedRun: 'rerun' },
      },
      ['A', 'B'],
    );
    lab.work = () => new Promise(() => undefined);
    lab.now = '2026-01-01T12:01:00Z';
    await a!.fire().catch(() => undefined);
    await settled();
    await handOver(a!, b!);
    expect(lab.ticks).toEqual(['A 12:01']);
  });
});

describe('a retry', () => {
  it('waits no longer than its cap, and at least half of its pause', async () => {
    const [a] = await setUp({
      ledger: false,
      retry: { attempts: 4, backoffMs: 40, maxBackoffMs: 60 },
    });
    const begun: number[] = [];
    lab.work = async () => {
      begun.push(performance.now());
      throw new Error('always');
    };
    await expect(a!.fire()).rejects.toThrow('always');
    const pauses = begun.slice(1).map((at, index) => at - begun[index]!);
    expect(pauses).toHaveLength(3);
    for (const [index, least] of [20, 30, 30].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(least - 2);
    }
  });
});

describe('events', () => {
  it('of one run have one id, also where runs overlap', async () => {
    const [a] = await setUp({ overlap: 'allow' });
    const ends: (() => void)[] = [];
    lab.work = () => new Promise<void>((resolve) => ends.push(resolve));
    const fired = [];
    for (const minute of [1, 2]) {
      lab.now = `2026-01-01T12:0${minute}:00Z`;
      fired.push(a!.fire());
      await settled();
    }
    ends.forEach((end) => end());
    await Promise.all(fired);
    const runs = a!.events.flatMap((event) =>
      'runId' in event ? [[event.type, event.runId]] : [],
    );
    const [first, second] = runs.map(([, id]) => id);
    expect(first).not.toBe(second);
    expect(runs).toEqual([
      ['started', first],
      ['started', second],
      ['finished', first],
      ['finished', second],
    ]);
    await waitFor(
      async () => (await a!.tasks.history('task'))[0]?.outcome === 'finished',
    );
    const history = await a!.tasks.history('task');
    expect(new Set(history.map(({ id }) => id))).toEqual(
      new Set([first, second]),
    );
  });
});

it('a run that has waited for another one began after that', async () => {
  const [a] = await setUp({ ledger: false, overlap: 'queue-one' });
  let end = (): void => undefined;
  lab.work = () => new Promise<void>((resolve) => (end = resolve));
  lab.now = '2026-01-01T12:01:00Z';
  const first = a!.fire();
  await settled();
  lab.now = '2026-01-01T12:02:00Z';
  const second = a!.fire();
  await settled();
  lab.now = '2026-01-01T12:09:00Z';
  end();
  await first;
  await waitFor(() => lab.runs.length === 2);
  end();
  await second;
  expect(a!.events.at(-1)).toMatchObject({ type: 'finished', durationMs: 0 });
  expect(lab.ticks).toEqual(['A 12:01', 'A 12:02']);
});

it.each(['skip', 'queue-one'] as const)(
  "a call that comes back by way of runHere() is part of the run, with '%s'",
  async (overlap) => {
    const [a] = await setUp({ ledger: false });
    let calls = 0;
    const first = a!.election.onlyLeader(
      async () => {
        calls += 1;
        return calls === 1 ? a!.tasks.runHere('second') : 'inner';
      },
      { task: 'first', overlap },
    );
    a!.election.onlyLeader(() => first(), { task: 'second', overlap });
    await expect(first()).resolves.toBe('inner');
    await expect(a!.tasks.runHere('second')).resolves.toBe('inner');
    expect(calls).toBe(3);
  },
);

describe('a listener of events$ that throws', () => {
  const unhandled: unknown[] = [];

  beforeEach(() => {
    // RxJS would make them uncaught exceptions, in a turn of their own.
    config.onUnhandledError = (error) => void unhandled.push(error);
  });
  afterEach(async () => {
    await new Promise((resolve) => setTimeout(resolve));
    config.onUnhandledError = null;
  });

  it.each(ODD_ERRORS)(
    '%s keeps no run from being recorded, and no other from hearing',
    async (_, thrown) => {
      unhandled.length = 0;
      lab = new TaskLab({ ledger: true });
      const a = lab.member('A');
      const later: string[] = [];
      a.tasks.events$.subscribe(() => {
        throw thrown;
      });
      a.tasks.events$.subscribe(({ type }) => later.push(type));
      a.election.elect();
      await settled();
      lab.now = '2026-01-01T12:01:00Z';
      await a.fire();
      await waitFor(() => unhandled.length === 2);
      expect(later).toEqual(['started', 'finished']);
      expect(unhandled.every((each) => each === thrown)).toBe(true);
      const history = await a.tasks.history('task');
      expect(history.map(({ outcome }) => outcome)).toEqual(['finished']);
    },
  );

  it.each<LabOptions>([
    { ledger: { missedTicks: 'all' } },
    { ledger: false, overlap: 'skip' },
    { ledger: true, retry: { attempts: 2, backoffMs: 1 }, timeLimitMs: 50 },
  ])(
    'keeps no run from being run and recorded, and no other from hearing: %j',
    async (options) => {
      unhandled.length = 0;
      const [a, b] = await setUp(options, ['A', 'B']);
      for (const { tasks } of [a!, b!]) {
        tasks.events$.subscribe(() => {
          throw new Error('of a listener');
        });
        tasks.events$
          .pipe(
            map(() => {
              throw new Error('of an operator');
            }),
          )
          .subscribe();
      }
      const later: string[] = [];
      b!.tasks.events$.subscribe(({ type }) => later.push(type));
      lab.now = '2026-01-01T12:01:00Z';
      await a!.fire();
      lab.now = '2026-01-01T12:03:00Z';
      await handOver(a!, b!);
      lab.work = () => {
        throw new Error('of the task');
      };
      await b!.fire().catch(() => undefined);
      await b!.tasks.runOnLeader('task').catch(() => undefined);
      await settled();
      lab.work = () => undefined;
      lab.now = '2026-01-01T12:04:00Z';
      await b!.fire();
      await settled();
      expect(lab.runs.at(-1)).toMatchObject({ by: 'B', tick: '12:04' });
      expect(later).toEqual(b!.events.map(({ type }) => type));
      expect(later).toEqual(
        expect.arrayContaining(['started', 'failed', 'finished']),
      );
      const past = options.ledger ? await b!.tasks.history('task') : [];
      expect(past.length > 3).toBe(options.ledger !== false);
      expect(past.map(({ outcome }) => outcome)).not.toContain('running');
      await waitFor(() => unhandled.length > 0);
    },
  );
});

describe('a function', () => {
  it('that is called through another one is found by the name of its job', async () => {
    const [a] = await setUp({ expression: null });
    a!.jobs.set('task', a!.job);
    lab.now = '2026-01-01T12:01:00.123Z';
    await a!.guarded();
    expect(lab.runs[0]?.tickMs).toBe(Date.parse('2026-01-01T12:01:00Z'));
    expect(lab.logger.messages('warn')).toEqual([]);
  });

  it('with a ledger and no schedule is warned of at its first call', async () => {
    const [a] = await setUp({ expression: null });
    await a!.guarded();
    await a!.guarded();
    expect(lab.logger.messages('warn')).toEqual([
      expect.stringMatching(/"task" has a run ledger and no schedule/),
    ]);
  });

  it('that is disposed of does nothing and leaves the list', async () => {
    const [a] = await setUp();
    a!.guarded.dispose();
    lab.now = '2026-01-01T12:01:00Z';
    await a!.fire();
    expect(lab.runs).toEqual([]);
    expect(a!.tasks.list()).toEqual([]);
    expect(a!.tasks.running()).toEqual([]);
    expect(typesOf(a!)).toEqual(['skipped disposed']);
    a!.election.onlyLeader(() => undefined, { task: 'task' });
    a!.guarded.dispose();
    expect(a!.tasks.list()).toHaveLength(1);
  });

  it('is found when its job gets another name', async () => {
    const [a] = await setUp();
    a!.tasks.list();
    a!.jobs.delete('job');
    expect(a!.tasks.list()[0]?.isActive).toBe(false);
    a!.jobs.set('other', a!.job);
    await waitFor(() => a!.tasks.list()[0]?.isActive === true);
  });

  it('is off when another function has taken the name of its job', async () => {
    const [a, b] = await setUp({}, ['A', 'B']);
    b!.tasks.list();
    b!.jobs.set('job', new LabJob('0 * * * * *', [() => undefined]));
    expect(b!.tasks.list()[0]?.isActive).toBe(false);
    lab.now = '2026-01-01T12:03:30Z';
    await handOver(a!, b!);
    expect(lab.runs).toEqual([]);
  });

  describe('that is given anew while a run goes on', () => {
    it.each([true, false])(
      'does not run that again (ended before: %s)',
      async (isDisposed) => {
        const ledger = { interruptedRun: 'rerun' } as const;
        const [a] = await setUp({ ledger });
        let end = (): void => undefined;
        lab.work = () => new Promise<void>((resolve) => (end = resolve));
        lab.now = '2026-01-01T12:01:00Z';
        const fired = a!.fire();
        await settled();
        if (isDisposed) {
          a!.guarded.dispose();
        }
        let again = 0;
        a!.election.onlyLeader(() => void (again += 1), {
          task: 'task',
          ledger,
        });
        await settled();
        end();
        await fired;
        await settled();
        expect(again).toBe(0);
        const history = await a!.tasks.history('task');
        expect(history.map(({ outcome }) => outcome)).toEqual(['finished']);
      },
    );

    it.each(['skip', 'queue-one'] as const)(
      "does not run beside that, with '%s'",
      async (overlap) => {
        const [a] = await setUp({ ledger: false, overlap });
        let end = (): void => undefined;
        lab.work = () => new Promise<void>((resolve) => (end = resolve));
        void a!.fire();
        await settled();
        let again = 0;
        const anew = a!.election.onlyLeader(() => (again += 1), {
          task: 'task',
          overlap,
        });
        const called = anew();
        await settled();
        expect(again).toBe(0);
        end();
        await called;
        await anew();
        expect(again).toBe(overlap === 'skip' ? 1 : 2);
      },
    );
  });
});

describe('after a stall', () => {
  /** Says, when a test wants it, whether the instance leads. */
  function proofsOf(a: LabMember): ((proof: boolean) => void)[] {
    const proofs: ((proof: boolean) => void)[] = [];
    a.election.revalidate = () =>
      new Promise((resolve) => {
        proofs.push((proof) => {
          if (proof) {
            a.election.resume();
          }
          resolve(proof);
        });
      });
    a.election.suspend();
    return proofs;
  }

  it('a call waits for proof, if it can wait', async () => {
    const [a] = await setUp({ ledger: false });
    const proofs = proofsOf(a!);
    const fired = a!.fire();
    await settled();
    expect(lab.runs).toEqual([]);
    proofs[0]?.(true);
    await fired;
    expect(lab.runs).toHaveLength(1);
  });

  it('so does a call of an async function that no schedule knows', async () => {
    const [a] = await setUp({ ledger: false, expression: null });
    const send = a!.election.onlyLeader(async () => 'sent');
    const proofs = proofsOf(a!);
    const sent = send();
    await settled();
    proofs[0]?.(true);
    expect(await sent).toBe('sent');
    a!.election.suspend();
    const refused = send();
    await settled();
    proofs[1]?.(false);
    expect(await refused).toBeUndefined();
  });
});

describe('many tasks', () => {
  it('raise no warning of Node.js about listeners', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    const [a] = await setUp({ ledger: { interruptedRun: 'rerun' } });
    const fns = Array.from({ length: 100 }, (_, index) =>
      a!.election.onlyLeader(() => new Promise(() => undefined), {
        task: `task ${index}`,
        ledger: true,
      }),
    );
    await settled();
    // All wait for the same connection, in the same term.
    a!.client.disconnect();
    fns.slice(0, 50).forEach((fn) => void fn());
    await settled();
    a!.client.connect();
    fns.slice(50).forEach((fn) => void fn());
    await waitFor(
      () => a!.tasks.running().filter(([, runs]) => runs === 1).length === 100,
    );
    a!.election.depose();
    await settled();
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('begin a term in slices, and all of it in the next one if it ends between two', async () => {
    const [a] = await setUp();
    a!.election.depose();
    const names = Array.from({ length: 50 }, (_, index) => `task ${index}`);
    for (const task of names) {
      a!.election.onlyLeader(() => undefined, { task, ledger: true });
    }
    // As if each task took a millisecond.
    let nowMs = performance.now();
    const clock = jest
      .spyOn(performance, 'now')
      .mockImplementation(() => (nowMs += 1));
    const begun = (): number => new Set(a!.client.writes.splice(0)).size;
    begun();

    a!.election.elect();
    await settled(10);
    const most = begun();
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThan(names.length);
    a!.election.depose();
    await settled(100);
    expect(begun()).toBeLessThan(names.length - most);

    a!.election.elect();
    const { leadership } = a!.election;
    const token =
      leadership.role === 'leader' ? leadership.term.fencingToken : undefined;
    await settled(100);
    clock.mockRestore();
    for (const task of names) {
      const { client, paths } = lab.cluster.nodes;
      const { data } = await client.get(paths.task(task));
      expect(JSON.parse(data)).toMatchObject({ token });
    }
  });
});
