import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Cron, Interval, ScheduleModule, Timeout } from '@nestjs/schedule';
import { LeaderElection, OnlyLeader } from '../../lib/index.js';
import {
  closeApplications,
  startApplication,
} from '../support/nest-application.js';
import { waitFor } from '../support/wait-for.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';

const EVERY_SECOND = '* * * * * *';

let server: ZookeeperServer;
let testNumber = 0;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(closeApplications);
afterAll(() => server.close());

/** A decorator of somebody else's that puts its own function around. */
function Foreign(): MethodDecorator {
  return (_target, _key, descriptor: PropertyDescriptor) => {
    const inner = descriptor.value as (...args: unknown[]) => unknown;
    descriptor.value = function (this: unknown, ...args: unknown[]) {
      return inner.apply(this, args);
    };
  };
}

@Injectable()
class Jobs {
  readonly runs = new Map<string, number>();

  count(name: string): void {
    this.runs.set(name, (this.runs.get(name) ?? 0) + 1);
  }

  @Cron(EVERY_SECOND)
  @OnlyLeader()
  cronAbove(): void {
    this.count('cronAbove');
  }

  @OnlyLeader()
  @Cron(EVERY_SECOND)
  cronBelow(): void {
    this.count('cronBelow');
  }

  @Interval(300)
  @OnlyLeader()
  intervalAbove(): void {
    this.count('intervalAbove');
  }

  @OnlyLeader()
  @Interval(300)
  intervalBelow(): void {
    this.count('intervalBelow');
  }

  @Timeout(2_000)
  @OnlyLeader()
  timeoutAbove(): void {
    this.count('timeoutAbove');
  }

  @OnlyLeader()
  @Timeout(2_000)
  timeoutBelow(): void {
    this.count('timeoutBelow');
  }

  @Cron(EVERY_SECOND)
  @Foreign()
  @OnlyLeader()
  foreignBetween(): void {
    this.count('foreignBetween');
  }
}

class Base {
  @OnlyLeader()
  greet(name: string): string {
    return `hello ${name}`;
  }

  @OnlyLeader()
  async fail(): Promise<never> {
    throw new Error('as the method says');
  }
}

class Derived extends Base {
  override greet(name: string): string {
    return `${super.greet(name)}!`;
  }
}

const ALL_JOBS = [
  'cronAbove',
  'cronBelow',
  'foreignBetween',
  'intervalAbove',
  'intervalBelow',
  'timeoutAbove',
  'timeoutBelow',
];

function basePath(): string {
  testNumber += 1;
  return `/decorators-${testNumber}`;
}

function options(path: string) {
  return { connectionString: server.connectionString, basePath: path };
}

describe('@OnlyLeader()', () => {
  it('runs scheduled methods on the leader alone, whatever the order of decorators', async () => {
    const path = basePath();
    const parts = {
      options: options(path),
      imports: [ScheduleModule.forRoot()],
      providers: [Jobs],
    };
    const first = await startApplication(parts);
    await first.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    const second = await startApplication({
      ...parts,
      imports: [ScheduleModule.forRoot()],
    });
    await waitFor(
      () => second.get(LeaderElection).leadership.role === 'follower',
      { description: 'the second application to follow' },
    );
    const jobs = first.get(Jobs);
    await waitFor(() => ALL_JOBS.every((job) => jobs.runs.has(job)), {
      description: 'every job to have run on the leader',
    });
    expect([...second.get(Jobs).runs.keys()]).toEqual([]);

    await first.close();
    const repeated = ALL_JOBS.filter((job) => !job.startsWith('timeout'));
    await waitFor(
      () => repeated.every((job) => second.get(Jobs).runs.has(job)),
      { description: 'the jobs to run on the next leader' },
    );
  });

  it('guards providers from useFactory and useValue, subclasses and super calls', async () => {
    const value = new Base();
    const parts = {
      options: options(basePath()),
      providers: [
        { provide: 'factory', useFactory: () => new Base() },
        { provide: 'value', useValue: value },
        Derived,
      ],
    };
    const app = await startApplication(parts);
    await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    expect(app.get<Base>('factory').greet('ann')).toBe('hello ann');
    expect(value.greet('bob')).toBe('hello bob');
    expect(app.get(Derived).greet('cem')).toBe('hello cem!');
    await expect(value.fail()).rejects.toThrow('as the method says');

    await app.get(LeaderElection).withdraw();
    expect(value.greet('bob')).toBeUndefined();
    expect(value.fail()).toBeUndefined();
    expect(app.get(Derived).greet('cem')).toBe('undefined!');
  });

  it('refuses to run on an object that the module does not know', () => {
    expect(() => new Base().greet('ann')).toThrow(
      /Base\.greet\(\).*forRoot\(\)/s,
    );
  });

  it('keeps name and length of the method', () => {
    expect(Base.prototype.greet.name).toBe('greet');
    expect(Base.prototype.greet.length).toBe(1);
  });

  it('is refused on a static method', () => {
    expect(() => {
      class Wrong {
        @OnlyLeader()
        static job(): void {}
      }
      return Wrong;
    }).toThrow(/Wrong\.job\(\).*static/s);
  });
});
