import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  Controller,
  Injectable,
  Module,
  Post,
  UseGuards,
} from '@nestjs/common';
import type { INestApplicationContext } from '@nestjs/common';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { CronJob } from 'cron';
import {
  currentLeaderTask,
  getLeaderElectionToken,
  InjectLeaderElection,
  LeaderElection,
  LeaderElections,
  LeaderGuard,
  LeaderTasks,
  OnDeposed,
  OnElected,
  OnlyLeader,
  ZookeeperLeaderModule,
  type LeadershipTerm,
} from '../../../lib/index.js';
import {
  FakeCluster,
  fakeElectionOf,
  FakeLeaderElection,
  fireTick,
  useFakeElections,
  ZookeeperLeaderTestingModule,
  type ZookeeperLeaderTestingOptions,
} from '../../../lib/testing/index.js';
import { descendants } from '../../support/process-table.js';
import { waitFor } from '../../support/wait-for.js';

@Injectable()
class Invoices {
  readonly sent: (Date | undefined)[] = [];
  readonly told: string[] = [];

  constructor(readonly election: LeaderElection) {}

  @Cron('0 2 * * *', { name: 'invoices', timeZone: 'UTC' })
  @OnlyLeader()
  async send(): Promise<string> {
    this.sent.push(currentLeaderTask()?.tick);
    return 'sent';
  }

  @OnlyLeader({ election: 'billing', scheduled: false })
  settle(): string {
    return 'settled';
  }

  @OnElected()
  start({ fencingToken }: LeadershipTerm): void {
    this.told.push(`elected ${fencingToken}`);
  }

  @OnDeposed()
  stop(): void {
    this.told.push('deposed');
  }
}

@Controller()
class Reports {
  constructor(
    @InjectLeaderElection('billing') readonly billing: LeaderElection,
  ) {}

  @Post('reports')
  @UseGuards(LeaderGuard)
  create(): string {
    return 'created';
  }
}

/** As an application's own, with servers that do not exist. */
@Module({
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({ connectionString: 'nowhere.invalid:1' }),
  ],
  providers: [Invoices],
  controllers: [Reports],
})
class AppModule {}

const running: INestApplicationContext[] = [];

afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(running.splice(0).map((each) => each.close()));
});

function compile(options: ZookeeperLeaderTestingOptions = {}) {
  return Test.createTestingModule({
    imports: [
      ScheduleModule.forRoot(),
      ZookeeperLeaderTestingModule.forRoot(options),
    ],
    providers: [Invoices],
    controllers: [Reports],
  }).compile();
}

async function start(options: ZookeeperLeaderTestingOptions = {}) {
  const module = await compile(options);
  running.push(module);
  return module.init();
}

describe('an object that was made with new', () => {
  it('runs its tasks while the test lets it lead', async () => {
    const invoices = new Invoices(new FakeLeaderElection());
    const election = fakeElectionOf(invoices);
    expect(await invoices.send()).toBeUndefined();
    election.elect();
    expect(await invoices.send()).toBe('sent');
    expect(invoices.settle()).toBeUndefined();
    fakeElectionOf(invoices, 'billing').elect();
    expect(invoices.settle()).toBe('settled');
    election.depose();
    expect(await invoices.send()).toBeUndefined();
    expect(invoices.sent).toHaveLength(1);
  });

  it('is told what to do when nobody has been asked for its election', async () => {
    const invoices = new Invoices(new FakeLeaderElection());
    await expect(async () => invoices.send()).rejects.toThrow(
      /Invoices\.send\(\).*nestjs-zookeeper-leader\/testing/s,
    );
  });
});

describe('a module that is compiled but not initialised', () => {
  it('has guarded tasks and elections to decide', async () => {
    const module = await compile();
    const invoices = module.get(Invoices);
    expect(await invoices.send()).toBeUndefined();
    module.get(FakeLeaderElection).elect();
    expect(await invoices.send()).toBe('sent');
    expect(invoices.election).toBe(module.get(FakeLeaderElection));
    expect(invoices.told).toEqual(['elected 1']);
  });

  it('can be given a term before any of its methods is called', async () => {
    const module = await compile();
    module.get(FakeLeaderElection).elect();
    module.get(FakeLeaderElection).depose();
    expect(module.get(Invoices).told).toEqual(['elected 1', 'deposed']);
  });

  it('does not mistake the objects of another module for its own', async () => {
    const [one, other] = await Promise.all([compile(), compile()]);
    fakeElectionOf(one).elect();
    expect(await one.get(Invoices).send()).toBe('sent');
    expect(await other.get(Invoices).send()).toBeUndefined();
  });

  it('can be initialised afterwards', async () => {
    const module = await compile({ leads: true });
    expect(await module.get(Invoices).send()).toBe('sent');
    running.push(await module.init());
    expect(await module.get(Invoices).send()).toBe('sent');
    expect(module.get(Invoices).told).toEqual(['elected 1']);
  });
});

describe('the elections of a testing module', () => {
  it('are led by nobody before the test says so', async () => {
    const app = await start();
    const election = fakeElectionOf(app);
    expect(election.leadership).toMatchObject({
      role: 'follower',
      reason: 'waiting',
    });
    const states: string[] = [];
    election.leadership$.subscribe(({ role, reason }) =>
      states.push(`${role} ${reason}`),
    );
    election.elect();
    election.elect();
    election.depose('lease-expired');
    election.elect();
    election.depose();
    expect(states).toEqual([
      'follower waiting',
      'leader elected',
      'follower lease-expired',
      'leader elected',
      'idle session-lost',
    ]);
  });

  it('have terms with a signal and growing fencing tokens', async () => {
    const election = fakeElectionOf(await start());
    const waiting = election.waitForLeadership();
    election.elect();
    const first = await waiting;
    expect(first.signal.aborted).toBe(false);
    election.depose('suspended');
    expect(first.signal.aborted).toBe(true);
    expect(first.signal.reason).toMatchObject({ reason: 'suspended' });
    election.elect();
    const second = await election.waitForLeadership();
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it('without proof call themselves leader and run nothing', async () => {
    const app = await start({ leads: true });
    const election = fakeElectionOf(app);
    election.suspend();
    expect(election.leadership.role).toBe('leader');
    expect(election.isLeader()).toBe(false);
    expect(await app.get(Invoices).send()).toBeUndefined();
    expect(app.get(LeaderElections).isHealthy).toBe(false);
    election.resume();
    expect(await app.get(Invoices).send()).toBe('sent');
  });

  it('are found by their names, one at a time', async () => {
    const app = await start();
    const billing = app.get<FakeLeaderElection>(
      getLeaderElectionToken('billing'),
    );
    expect(fakeElectionOf(app, 'billing')).toBe(billing);
    expect(app.get(Reports).billing).toBe(billing);
    billing.elect();
    expect(app.get(Invoices).settle()).toBe('settled');
    expect(await app.get(Invoices).send()).toBeUndefined();
  });

  it('are not there for a class that is imported and not provided', async () => {
    InjectLeaderElection('elsewhere')(class Elsewhere {}, undefined, 0);
    const app = await start({ leads: true, elections: ['default', 'billing'] });
    expect(app.get(LeaderElections).names.toSorted()).toEqual([
      'billing',
      'default',
    ]);
  });

  it('are closed with the application', async () => {
    const module = await (await compile({ leads: true })).init();
    const election = fakeElectionOf(module);
    const term = await election.waitForLeadership();
    await module.close();
    expect(election.leadership).toMatchObject({ reason: 'shutdown' });
    expect(term.signal.aborted).toBe(true);
    await expect(election.waitForLeadership()).rejects.toMatchObject({
      code: 'CLOSED',
    });
  });

  it('have tasks that can be observed, with ledgers in memory', async () => {
    jest.useFakeTimers({ now: new Date('2026-01-01T01:59:30Z') });
    const app = await start({ leads: true, ledger: true });
    await jest.advanceTimersByTimeAsync(0);
    jest.setSystemTime(new Date('2026-01-01T02:00:00Z'));
    const events: string[] = [];
    app.get(LeaderTasks).events$.subscribe(({ type }) => events.push(type));
    await fireTick(app, 'invoices');
    // The tick has been claimed: it is run once, however often it is fired.
    await fireTick(app, 'invoices');
    expect(events).toEqual(['started', 'finished', 'skipped']);
    expect(await app.get(LeaderTasks).history('Invoices.send')).toHaveLength(1);
  });
});

describe('instances of a cluster', () => {
  it('elect among themselves, in the order of their coming', async () => {
    const cluster = new FakeCluster();
    const a = await start({ cluster, instanceId: 'a' });
    const b = await start({ cluster, instanceId: 'b' });
    const c = await start({ cluster, instanceId: 'c' });
    const leaders = (): string[] =>
      [a, b, c]
        .map((app) => app.get(LeaderElection))
        .filter((election) => election.isLeader())
        .map(({ instanceId }) => instanceId);
    const queue = async (): Promise<string[]> =>
      (await c.get(LeaderElection).participants()).map(
        ({ instanceId }) => instanceId,
      );
    const seen: (string | undefined)[] = [];
    c.get(LeaderElection).leader$.subscribe((leader) =>
      seen.push(leader?.instanceId),
    );
    expect(leaders()).toEqual(['a']);
    expect(await queue()).toEqual(['a', 'b', 'c']);

    await a.get(LeaderElection).resign();
    expect(leaders()).toEqual(['b']);
    expect(await queue()).toEqual(['b', 'c', 'a']);

    fakeElectionOf(b).depose();
    expect(leaders()).toEqual(['c']);
    expect(await queue()).toEqual(['c', 'a']);

    fakeElectionOf(b).elect();
    expect(leaders()).toEqual(['b']);
    expect(await queue()).toEqual(['b', 'c', 'a']);

    await b.close();
    expect(leaders()).toEqual(['c']);
    await c.get(LeaderElection).withdraw();
    expect(leaders()).toEqual(['a']);
    c.get(LeaderElection).enter();
    expect(await queue()).toEqual(['a', 'c']);
    expect(seen.filter((id, index) => id && id !== seen[index - 1])).toEqual([
      'a',
      'b',
      'c',
      'b',
      'c',
      'a',
    ]);
    running.splice(running.indexOf(b), 1);
  });

  it('lead for sure in a later term, though they had been suspended', async () => {
    const cluster = new FakeCluster();
    const a = await start({ cluster, instanceId: 'a' });
    const b = await start({ cluster, instanceId: 'b' });
    fakeElectionOf(a).suspend();
    fakeElectionOf(a).depose('lease-expired');
    await b.get(LeaderElection).resign();
    expect(a.get(LeaderElection).isLeader()).toBe(true);
  });

  it('run a tick once among them', async () => {
    const cluster = new FakeCluster();
    const apps = [];
    for (const instanceId of ['a', 'b', 'c']) {
      apps.push(await start({ cluster, instanceId }));
    }
    await Promise.all(apps.map((app) => fireTick(app, 'invoices')));
    expect(apps.map((app) => app.get(Invoices).sent.length)).toEqual([1, 0, 0]);
  });

  it('drain before the next one leads', async () => {
    const cluster = new FakeCluster();
    const a = await start({ cluster, instanceId: 'a' });
    const b = await start({ cluster, instanceId: 'b' });
    let finish = (): void => undefined;
    const done = new Promise<void>((resolve) => (finish = resolve));
    const work = a.get(LeaderElection).onlyLeader(() => done, { task: 'work' });
    const run = work();
    const resigned = a.get(LeaderElection).resign();
    expect(a.get(LeaderElection).isLeader()).toBe(false);
    expect(b.get(LeaderElection).isLeader()).toBe(false);
    finish();
    await run;
    await resigned;
    expect(b.get(LeaderElection).isLeader()).toBe(true);
  });
});

describe('ledgers of a cluster', () => {
  const begun: string[] = [];

  @Injectable()
  class Nightly {
    constructor(readonly election: LeaderElection) {}

    @Cron('0 2 * * *', { name: 'report', timeZone: 'UTC' })
    @OnlyLeader({
      task: 'report',
      ledger: { missedTicks: 'all', interruptedRun: 'rerun' },
    })
    async send(): Promise<string> {
      const { tick, attempt, signal } = currentLeaderTask()!;
      const { instanceId } = this.election;
      begun.push(
        `${instanceId} ${tick?.toISOString().slice(0, 13)} ${attempt}`,
      );
      if (instanceId === 'a') {
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      }
      return 'sent';
    }
  }

  async function join(cluster: FakeCluster, instanceId: string) {
    const module = await Test.createTestingModule({
      imports: [
        ScheduleModule.forRoot(),
        ZookeeperLeaderTestingModule.forRoot({ cluster, instanceId }),
      ],
      providers: [Nightly],
    }).compile();
    module.useLogger(false);
    const app = await module.init();
    running.push(app);
    return app;
  }

  it('are shared: an interrupted run is taken over, as in production', async () => {
    begun.length = 0;
    const cluster = new FakeCluster();
    const [a, b] = [await join(cluster, 'a'), await join(cluster, 'b')];
    const run = fireTick(a, 'report').catch(() => undefined);
    await waitFor(() => begun.length === 1);
    fakeElectionOf(a).depose();
    await run;
    await waitFor(() => begun.length === 2);
    const [first, second] = begun.map((each) => each.split(' '));
    expect(first?.[0]).toBe('a');
    expect(second).toEqual(['b', first?.[1], '2']);
    await waitFor(
      async () =>
        (await a.get(LeaderTasks).history('report'))[0]?.outcome === 'finished',
    );
    // The tick has been run: it is not run once more, wherever it is fired.
    expect(await fireTick(b, 'report')).toBeUndefined();
    const { outcome } = await a.get(LeaderTasks).runOnLeader('report');
    expect(outcome).toBe('finished');
    expect(begun.at(-1)).toMatch(/^b undefined/);
  });

  it.each([0, 10])(
    'let a tick be fired %d ms after the election',
    async (delayMs) => {
      begun.length = 0;
      const cluster = new FakeCluster();
      await join(cluster, 'other');
      const app = await join(cluster, 'b');
      fakeElectionOf(app).elect();
      if (delayMs > 0) {
        await new Promise((resolve) => setTimeout(resolve, delayMs));
      }
      expect(await fireTick(app, 'report')).toBe('sent');
      expect(begun).toHaveLength(1);
    },
  );
});

describe('a whole application', () => {
  it('gets fake elections in the place of its own', async () => {
    const builder = Test.createTestingModule({ imports: [AppModule] });
    const module = await useFakeElections(builder).compile();
    const app = await module.createNestApplication().init();
    running.push(app);
    expect(await app.get(Invoices).send()).toBeUndefined();
    fakeElectionOf(app).elect();
    expect(await app.get(Invoices).send()).toBe('sent');
    expect(descendants(process.pid)).toEqual([]);
  });

  it('with real elections is not mistaken for one with fakes', async () => {
    const module = await Test.createTestingModule({
      imports: [AppModule],
    }).compile();
    expect(() => fakeElectionOf(module)).toThrow(/useFakeElections\(\)/);
    await module.close();
  });

  it('guards its routes as the leader is decided', async () => {
    const builder = Test.createTestingModule({ imports: [AppModule] });
    const module = await useFakeElections(builder).compile();
    const app = module.createNestApplication();
    running.push(app);
    await app.listen(0, '127.0.0.1');
    const post = async (): Promise<number> =>
      (await fetch(`${await app.getUrl()}/reports`, { method: 'POST' })).status;
    expect(await post()).toBe(503);
    fakeElectionOf(app).elect();
    expect(await post()).toBe(201);
  });
});

describe('ticks', () => {
  it('are fired by the name of the task or of the cron', async () => {
    const app = await start({ leads: true });
    expect(await fireTick(app, 'Invoices.send')).toBe('sent');
    expect(await fireTick(app, 'invoices')).toBe('sent');
    await expect(fireTick(app, 'invoice')).rejects.toThrow(
      /no job "invoice"; there are "Invoices\.send", "invoices"/,
    );
  });

  it('of jobs that the application has added are fired, too', async () => {
    const app = await start();
    const election = fakeElectionOf(app);
    const work = jest.fn<() => void>();
    const guarded = election.onlyLeader(work, { task: 'dynamic' });
    app
      .get(SchedulerRegistry)
      .addCronJob(
        'dynamic',
        CronJob.from({ cronTime: '0 2 * * *', onTick: guarded }),
      );
    await fireTick(app, 'dynamic');
    expect(work).not.toHaveBeenCalled();
    election.elect();
    await fireTick(app, 'dynamic');
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('come by themselves under fake timers', async () => {
    jest.useFakeTimers({ now: new Date('2026-01-01T01:59:30Z') });
    const app = await start({ leads: true });
    await jest.advanceTimersByTimeAsync(60_000);
    expect(app.get(Invoices).sent).toEqual([new Date('2026-01-01T02:00:00Z')]);
    fakeElectionOf(app).depose();
    await jest.advanceTimersByTimeAsync(24 * 60 * 60_000);
    expect(app.get(Invoices).sent).toHaveLength(1);
  });

  it('fired by hand are those of the present time', async () => {
    jest.useFakeTimers({ now: new Date('2026-01-01T02:00:00.040Z') });
    const app = await start({ leads: true });
    await fireTick(app, 'invoices');
    expect(app.get(Invoices).sent).toEqual([new Date('2026-01-01T02:00:00Z')]);
  });
});

describe('options of the testing kit are refused', () => {
  const module = (options: object) => () =>
    ZookeeperLeaderTestingModule.forRoot(options);
  const whole = (options: object) => () =>
    useFakeElections(
      Test.createTestingModule({ imports: [ZookeeperLeaderModule.forRoot()] }),
      options,
    );

  it.each<[what: string, make: () => unknown, message: RegExp]>([
    [
      'when the module does not have them',
      module({ lead: true }),
      /^ZookeeperLeaderTestingModule: there is no option lead\. Did you mean leads\?$/,
    ],
    [
      'when only the real module has them',
      module({ connectionString: '127.0.0.1:2181' }),
      /there is no option connectionString\. The options are instanceId, cluster, leads, elections, ledger, drainTimeoutMs\.$/,
    ],
    [
      'when useFakeElections() does not have them',
      whole({ instanceID: 'a' }),
      /^useFakeElections\(\): there is no option instanceID\. Did you mean instanceId\?$/,
    ],
    [
      'when a flag is not a boolean',
      module({ leads: 'yes' }),
      /option leads 'yes'/,
    ],
    [
      'when the cluster is another object',
      module({ cluster: {} }),
      /option cluster \(an object\) is not a FakeCluster\. Expected new FakeCluster\(\)/,
    ],
    [
      'when the id of the instance is empty',
      module({ instanceId: '' }),
      /option instanceId '' is not a name/,
    ],
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});

it('nothing native is loaded, and no process started', async () => {
  await start({ leads: true });
  expect(descendants(process.pid)).toEqual([]);
  const report = process.report.getReport() as unknown as {
    sharedObjects: string[];
  };
  expect(report.sharedObjects.join()).not.toMatch(/node_modules\/zookeeper\//);
});
