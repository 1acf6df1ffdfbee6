import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  currentLeaderTask,
  LeaderTasks,
  OnlyLeader,
  Partitions,
  type LeaderTaskContext,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { runCli, type CliResult } from '../../support/run-cli.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const PARTITIONS = 4;

interface Ran {
  readonly by: string;
  readonly partition: number;
  readonly partitions: number;
}

let ran: Ran[] = [];
let work: (run: LeaderTaskContext) => unknown = () => undefined;

@Injectable()
class Mailboxes {
  constructor(private readonly tasks: Partitions) {}

  @OnlyLeader({
    task: 'mailboxes',
    partitions: PARTITIONS,
    ledger: true,
    scheduled: false,
  })
  async poll(): Promise<void> {
    const run = currentLeaderTask() as LeaderTaskContext;
    const { partition, partitions } = run;
    ran.push({ by: nameOf(this.tasks), partition, partitions });
    await work(run);
  }
}

@Injectable()
class Plain {
  @OnlyLeader({ task: 'plain', partitions: PARTITIONS, scheduled: false })
  run(): string {
    const { partition, partitions } = currentLeaderTask() as LeaderTaskContext;
    ran.push({ by: 'plain', partition, partitions });
    return 'the result of one partition';
  }
}

function byNumber(a: number, b: number): number {
  return a - b;
}

const names = new WeakMap<Partitions, string>();
function nameOf(partitions: Partitions): string {
  return names.get(partitions) ?? '';
}

interface Instance {
  readonly jobs: Mailboxes;
  readonly plain: Plain;
  readonly tasks: LeaderTasks;
  readonly owned: number[];
}

describe('A task with partitions', () => {
  let server: ZookeeperServer;
  let applications = 0;

  beforeAll(async () => {
    server = await ZookeeperServer.start();
  });
  beforeEach(() => {
    applications += 1;
    ran = [];
    work = () => undefined;
  });
  afterEach(() => closeApplications());
  afterAll(() => server.close());

  async function start(
    name: string,
    options: ZookeeperLeaderModuleOptions = {},
  ): Promise<Instance> {
    const app = await startApplication({
      providers: [Mailboxes, Plain],
      options: {
        connectionString: server.connectionString,
        basePath: `/tasks-${applications}`,
        instanceId: name,
        guardian: false,
        drainTimeoutMs: 1_000,
        ...options,
      },
    });
    const partitions = app.get(Partitions);
    names.set(partitions, name);
    const set = partitions.of('mailboxes', PARTITIONS);
    return {
      jobs: app.get(Mailboxes),
      plain: app.get(Plain),
      tasks: app.get(LeaderTasks),
      get owned() {
        return set.owned.map(({ partition }) => partition);
      },
    };
  }

  async function startTwo(): Promise<[Instance, Instance]> {
    const two = await Promise.all([start('one'), start('two')]);
    await waitFor(() => two.every(({ owned }) => owned.length === 2), {
      description: 'both to own their share',
    });
    return two;
  }

  function ranBy(name: string): number[] {
    return ran
      .filter(({ by }) => by === name)
      .map(({ partition }) => partition)
      .toSorted(byNumber);
  }

  it('runs once for each partition, on the instance that owns it', async () => {
    const [one, two] = await startTwo();
    await Promise.all([one.jobs.poll(), two.jobs.poll()]);
    expect(ranBy('one')).toEqual(one.owned);
    expect(ranBy('two')).toEqual(two.owned);
    expect([...one.owned, ...two.owned].toSorted(byNumber)).toEqual([
      0, 1, 2, 3,
    ]);
    expect(ran.every(({ partitions }) => partitions === PARTITIONS)).toBe(true);
  });

  it('runs its partitions beside each other', async () => {
    const one = await start('one');
    await waitFor(() => one.owned.length === PARTITIONS);
    let going = 0;
    let most = 0;
    work = async () => {
      going += 1;
      most = Math.max(most, going);
      await waitFor(() => most === PARTITIONS);
      going -= 1;
    };
    await one.jobs.poll();
    expect(most).toBe(PARTITIONS);
  });

  it('has a ledger, a history and a pause for each partition', async () => {
    const [one, two] = await startTwo();
    await Promise.all([one.jobs.poll(), two.jobs.poll()]);
    for (const partition of [0, 1, 2, 3]) {
      const history = await one.tasks.history(`mailboxes[${partition}]`);
      expect(history.map(({ instanceId }) => instanceId)).toEqual([
        one.owned.includes(partition) ? 'one' : 'two',
      ]);
    }
    await two.tasks.pause('mailboxes[0]');
    await Promise.all([one.jobs.poll(), two.jobs.poll()]);
    expect(ran.map(({ partition }) => partition).toSorted(byNumber)).toEqual([
      0, 1, 1, 2, 2, 3, 3,
    ]);
  });

  it('is paused and resumed as a whole by its own name', async () => {
    const [one, two] = await startTwo();
    await one.tasks.pause('mailboxes', { by: 'anna' });
    await Promise.all([one.jobs.poll(), two.jobs.poll()]);
    expect(ran).toEqual([]);
    expect(await two.tasks.pauseOf('mailboxes[3]')).toMatchObject({
      by: 'anna',
    });
    expect(await two.tasks.resume('mailboxes')).toBe(true);
    await Promise.all([one.jobs.poll(), two.jobs.poll()]);
    expect(ran).toHaveLength(PARTITIONS);
  });

  it('is paused and resumed as a whole by the command line', async () => {
    const [one, two] = await startTwo();
    const run = (command: string): Promise<CliResult> =>
      runCli([command, 'mailboxes', `--base-path=/tasks-${applications}`], {
        ZOOKEEPER_CONNECTION_STRING: server.connectionString,
      });
    expect(await run('pause')).toMatchObject({ exitCode: 0, err: '' });
    await Promise.all([one.jobs.poll(), two.jobs.poll()]);
    expect(ran).toEqual([]);
    expect(await run('resume')).toMatchObject({
      exitCode: 0,
      out: '"mailboxes" is resumed.\n',
    });
    await Promise.all([one.jobs.poll(), two.jobs.poll()]);
    expect(ran).toHaveLength(PARTITIONS);
  });

  it('runs one partition when somebody asks for it, on its owner', async () => {
    const [one, two] = await startTwo();
    const partition = two.owned[0] as number;
    const { outcome, instanceId } = await one.tasks.runOnLeader(
      `mailboxes[${partition}]`,
    );
    expect({ outcome, instanceId }).toEqual({
      outcome: 'finished',
      instanceId: 'two',
    });
    expect(ran).toEqual([{ by: 'two', partition, partitions: PARTITIONS }]);
    await expect(one.tasks.history('mailboxes')).rejects.toThrow(
      'Name one of them, as in "mailboxes[0]"',
    );
  });

  it('runs the other partitions when one fails, and rejects with the failure', async () => {
    const one = await start('one');
    await waitFor(() => one.owned.length === PARTITIONS);
    work = ({ partition }) => {
      if (partition === 1) {
        throw new Error('no such mailbox');
      }
    };
    await expect(one.jobs.poll()).rejects.toThrow('no such mailbox');
    expect(ran).toHaveLength(PARTITIONS);
    work = () => Promise.reject(new Error('no mail at all'));
    await expect(one.jobs.poll()).rejects.toThrow('4 of 4 partitions');
  });

  it('waits for the run of a partition before another instance owns it', async () => {
    const one = await start('one');
    await waitFor(() => one.owned.length === PARTITIONS);
    const aborted: number[] = [];
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    work = async ({ partition, signal }) => {
      signal.addEventListener('abort', () => aborted.push(partition));
      await finished;
    };
    const polled = one.jobs.poll();
    await waitFor(() => ran.length === PARTITIONS);
    const two = await start('two');
    await waitFor(() => aborted.length === 2, {
      description: 'the runs that have to go to be told',
    });
    expect(two.owned).toEqual([]);
    finish();
    await polled;
    await waitFor(() => two.owned.length === 2);
    expect(two.owned).toEqual(aborted.toSorted(byNumber));
  });

  it('is listed by partition', async () => {
    const one = await start('one');
    const [first] = one.tasks.list();
    expect(first).toMatchObject({
      task: 'mailboxes[0]',
      election: 'mailboxes[0]',
      partition: 0,
      partitions: PARTITIONS,
    });
    expect(one.tasks.list()).toHaveLength(2 * PARTITIONS);
  });

  it('runs all partitions here without ZooKeeper, and resolves to undefined', async () => {
    const one = await start('one', {
      standalone: true,
      connectionString: undefined as never,
    });
    await one.jobs.poll();
    expect(ranBy('one')).toEqual([0, 1, 2, 3]);
    await expect(Promise.resolve(one.plain.run())).resolves.toBeUndefined();
    expect(ranBy('plain')).toEqual([0, 1, 2, 3]);
  });

  it('cannot have an election, or no partitions at all', async () => {
    class Wrong {
      @OnlyLeader({ task: 'wrong', partitions: 4, election: 'billing' })
      run(): void {}
    }
    class Zero {
      @OnlyLeader({ task: 'zero', partitions: 0 })
      run(): void {}
    }
    const startWith = (provider: typeof Wrong | typeof Zero): unknown =>
      startApplication({
        providers: [provider],
        options: { standalone: true },
      });
    await expect(startWith(Wrong)).rejects.toThrow(
      /Wrong\.run\(\).*partitions/,
    );
    await expect(startWith(Zero)).rejects.toThrow(/Zero\.run\(\).*partitions/);
  });
});
