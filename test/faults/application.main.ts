/**
 * The application under test: a Nest application whose leader runs tasks under a
 * ledger, writes to a fenced store, and says on the standard output, with the
 * monotonic time, what happens to it.
 *
 * The library comes from the directory LIBRARY, a build of its own.
 */
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import type {
  LeaderElection as Election,
  LeaderElections as Elections,
  LeaderTasks as Tasks,
  Leadership,
} from '../../lib/index.js';
import type { ZookeeperClientFactory } from '../../lib/native/index.js';
import { ApiCalls } from './application/api-calls.js';
import { busy } from './application/busy.js';
import { cutChannels } from './application/channels.js';
import {
  LeadershipProbe,
  type Watched,
} from './application/leadership-probe.js';
import { library, settings } from './application/library.js';
import { bytesPerObservation, observe } from './application/observing.js';
import { takeOrders } from './application/orders.js';
import { now, tell } from './application/tell.js';
import { Hooks, sharedWork, store, Work } from './application/work.js';
import { PARTITIONS, SHARED_NAMES, SHARED_TASK } from './settings.js';

const { LeaderElections, LeaderTasks, OnlyLeader, ZookeeperLeaderModule } =
  library;
/** FAULTS_CLIENT=native: that of the npm package `zookeeper`. */
const client =
  process.env.FAULTS_CLIENT === 'native'
    ? { client: await nativeClient(settings.library) }
    : {};
const PROBE_INTERVAL_MS = 5;
const PLAIN_INTERVAL_MS = 40;
const USAGE_INTERVAL_MS = 5_000;
const CLOSE_TIMEOUT_MS = 3_000;

process.on('unhandledRejection', (reason) => {
  tell('problem', { text: `unhandled rejection: ${stackOf(reason)}` });
});
process.on('uncaughtException', (error) => {
  tell('problem', { text: `uncaught exception: ${stackOf(error)}` });
  process.exit(70);
});

async function nativeClient(build: string): Promise<ZookeeperClientFactory> {
  const { href } = new URL('native/index.js', build);
  const module = (await import(
    href
  )) as typeof import('../../lib/native/index.js');
  return module.nativeZookeeper();
}

@Injectable()
class Plain {
  @Interval(PLAIN_INTERVAL_MS)
  @OnlyLeader('second')
  run(): void {
    probes.get('second')?.sample();
  }
}

const SharedWork = sharedWork();

@Module({
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({ ...settings.options, ...client }),
  ],
  providers: [Work, Plain, Hooks, ...(SharedWork ? [SharedWork] : [])],
})
class ApplicationModule {
  constructor(
    @Inject(LeaderElections) readonly elections: Elections,
    @Inject(LeaderTasks) readonly tasks: Tasks,
  ) {}
}

const probes = new Map<string, LeadershipProbe>();
const app = await NestFactory.createApplicationContext(ApplicationModule, {
  abortOnError: false,
});
const { elections, tasks } = app.get(ApplicationModule);
const all: Election[] = settings.elections.map((name) => elections.get(name));
const shared: Watched[] = SharedWork
  ? [...app.get(library.Partitions).of(SHARED_TASK, PARTITIONS).elections]
  : [];
const calls = new ApiCalls(all, tasks, [
  'again',
  ...(SharedWork ? SHARED_NAMES : []),
]);

for (const election of [...all, ...shared]) {
  const probe = new LeadershipProbe(election);
  probes.set(election.name, probe);
  let former: Leadership['role'] = 'idle';
  election.leadership$.subscribe(({ role, reason }) => {
    if (role === 'leader' && former === 'leader') {
      tell('problem', { text: `${election.name}: led twice without an end` });
    }
    if (role !== former) {
      tell('role', { election: election.name, role, reason });
    }
    former = role;
    probe.sample();
  });
}
const { weight = 1 } = settings.options;
tell('ready', SharedWork && { weight });

const timers = [
  setInterval(() => {
    for (const probe of probes.values()) {
      probe.sample();
    }
  }, PROBE_INTERVAL_MS),
  setInterval(tellUsage, USAGE_INTERVAL_MS),
];
calls.start();
if (settings.isObserver) {
  observe(all);
}

takeOrders((order) => {
  switch (order.do) {
    case 'block':
      block(order.forMs);
      break;
    case 'busy':
      void busy(order, block);
      break;
    case 'join-and-block': {
      const fresh = elections.get(settings.freshElection);
      fresh.enter();
      // What it has asked for in this turn has left, and nothing is answered.
      setImmediate(() => {
        block(order.forMs);
        calls.track('withdraw', fresh.withdraw());
      });
      break;
    }
    case 'cut-channel':
      cutChannels();
      break;
    case 'observe':
      void bytesPerObservation(all, order.times).then((bytesPerCall) =>
        tell('observed', { bytesPerCall }),
      );
      break;
    case 'resign':
      for (const election of all) {
        calls.track('resign', election.resign());
      }
      break;
    case 'withdraw':
      for (const election of all) {
        calls.track('withdraw', election.withdraw());
        setTimeout(() => election.enter(), order.forMs).unref();
      }
      break;
    case 'resume-tasks':
      calls.resumeAll();
      break;
    case 'count':
      tell('calls', calls.report());
      break;
  }
});
process.once('SIGTERM', () => void close());

/** Keeps the event loop, and goes on asking who leads. */
function block(forMs: number): void {
  const untilMs = now() + forMs;
  while (now() < untilMs) {
    for (const probe of probes.values()) {
      probe.sample();
    }
  }
}

/** Ends everything in good order: the process has to end by itself then. */
async function close(): Promise<void> {
  calls.stop();
  await app.close();
  for (const timer of timers) {
    clearInterval(timer);
  }
  for (const probe of probes.values()) {
    probe.sample();
  }
  const deadline = now() + CLOSE_TIMEOUT_MS;
  while (calls.pending.length > 0 && now() < deadline) {
    await delay(10);
  }
  store.close();
  tell('closed', { ...calls.report() });
  setTimeout(() => {
    tell('problem', {
      text: `does not end: ${process.getActiveResourcesInfo().join(', ')}`,
    });
    process.exit(71);
  }, CLOSE_TIMEOUT_MS).unref();
  // What keeps it alive after that would be a leak.
  process.channel?.unref();
}

function tellUsage(): void {
  globalThis.gc?.();
  const { heapUsed, heapTotal, rss } = process.memoryUsage();
  tell('usage', {
    heapBytes: heapUsed,
    residentBytes: rss - (heapTotal - heapUsed),
    handles: process.getActiveResourcesInfo().length,
  });
}

function stackOf(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? String(error))
    : String(error);
}
