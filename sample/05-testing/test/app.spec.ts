import {
  afterEach,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  fakeElectionOf,
  FakeCluster,
  fireTick,
  useFakeElections,
  type FakeElectionsOptions,
} from 'nestjs-zookeeper-leader/testing';
import { AppModule } from '../src/app.module.js';
import { Mailer } from '../src/mailer.js';
import { FakeMailer } from './fake-mailer.js';

// The whole application, as it is, with elections that the test decides.
const running: INestApplication[] = [];
let mailer: FakeMailer;

beforeEach(() => {
  mailer = new FakeMailer();
});

afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(running.splice(0).map((each) => each.close()));
});

async function start(
  options: FakeElectionsOptions = {},
): Promise<INestApplication> {
  const builder = Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(Mailer)
    .useValue(mailer);
  const module = await useFakeElections(builder, options).compile();
  const app = module.createNestApplication();
  running.push(app);
  return app.init();
}

describe('over HTTP', () => {
  async function post(app: INestApplication): Promise<Response> {
    await app.listen(0, '127.0.0.1');
    return fetch(`${await app.getUrl()}/invoices`, { method: 'POST' });
  }

  it('the leader sends', async () => {
    const response = await post(await start({ leads: true }));
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ sent: 3 });
  });

  it('another instance names the leader', async () => {
    const cluster = new FakeCluster();
    await start({ cluster, instanceId: 'a' });
    const response = await post(await start({ cluster, instanceId: 'b' }));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      leader: { instanceId: 'a' },
    });
    expect(mailer.sent).toEqual([]);
  });
});

describe('the cron', () => {
  it('fires at two on the first of the month', async () => {
    jest.useFakeTimers({ now: new Date('2026-01-31T12:00:00Z') });
    const app = await start({ leads: true });
    await jest.advanceTimersByTimeAsync(13 * 60 * 60_000);
    expect(mailer.sent).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(60 * 60_000);
    expect(mailer.sent).toHaveLength(3);
    fakeElectionOf(app).depose();
  });

  it('is run by one of three instances, and by the next when that ends', async () => {
    const cluster = new FakeCluster();
    const apps = [];
    for (const instanceId of ['a', 'b', 'c']) {
      apps.push(await start({ cluster, instanceId }));
    }
    const results = await Promise.all(
      apps.map((app) => fireTick(app, 'invoices')),
    );
    expect(results).toEqual([3, undefined, undefined]);

    const [first, second] = apps as [INestApplication, INestApplication];
    running.splice(running.indexOf(first), 1);
    await first.close();
    expect(await fireTick(second, 'invoices')).toBe(3);
  });
});
