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
import { Cron, Interval, ScheduleModule } from '@nestjs/schedule';
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
import { bytesPerObservation, observe } from './application/observing.js';
import { takeOrders } from './application/orders.js';
import type { ApplicationSettings } from './application/protocol.js';
import { LeadershipProbe } from './application/leadership-probe.js';
import { StoreClient } from './application/store-client.js';
import { now, tell } from './application/tell.js';

const settings = JSON.parse(
  process.env.SETTINGS ?? '{}',
) as ApplicationSettings;
const {
  currentLeaderTask,
  LeaderElections,
  LeaderTasks,
  OnDeposed,
  OnElected,
  OnlyLeader,
  ZookeeperLeaderModule,
} = (await import(settings.library)) as typeof import('../../lib/index.js');
const { instanceId } = settings.options;
/** FAULTS_CLIENT=native: that of the npm package `zookeeper`. */
const client =
  process.env.FAULTS_CLIENT === 'native'
    ? { client: await nativeClient(settings.library) }
    : {};
const PROBE_INTERVAL_MS = 5;
const PLAIN_INTERVAL_MS = 40;
const USAGE_INTERVAL_MS = 5_000;
const CLOSE_TIMEOUT_MS = 3_000;
/** How often a hook never ends. */
const HANGING_SHARE = 0.3;

process.on('unhandledRejection', (reason) => {
  tell('problem', { text: `unhandled rejection: ${stackOf(reason)}` });
});
process.on('uncaughtException', (error) => {
  tell('problem', { text: `uncaught exception: ${stackOf(error)}` });
  process.exit(70);
});

async function nativeClient(library: string): Promise<ZookeeperClientFactory> {
  const { href } = new URL('native/index.js', library);
  const module = (await import(
    href
  )) as typeof import('../../lib/native/index.js');
  return module.nativeZookeeper();
}

const store = new StoreClient(settings.storePort, instanceId);
let runs = 0;

@Injectable()
class Work {
  /** Every tick at most once. */
  @Cron('* * * * * *')
  @OnlyLeader({
    task: 'once',
    ledger: { missedTicks: 'all', interruptedRun: 'skip', historySize: 200 },
    // A run that hangs must not cost the ticks after it.
    overlap: 'allow',
  })
  once(): Promise<void> {
    return this.#run();
  }

  /** Every tick at least once. */
  @Interval(1_000)
  @OnlyLeader({
    task: 'again',
    ledger: { missedTicks: 'all', interruptedRun: 'rerun', historySize: 200 },
    overlap: 'allow',
  })
  again(): Promise<void> {
    return this.#run();
  }

  @Interval(PLAIN_INTERVAL_MS)
  @OnlyLeader('second')
  plain(): void {
    probes.get('second')?.sample();
  }

  async #run(): Promise<void> {
    const run = currentLeaderTask();
    if (!run) {
      tell('problem', { text: 'a leader task has no context' });
      return;
    }
    const { task, election, fencingToken, signal, attempt, trigger } = run;
    const id = ++runs;
    tell('run', {
      id,
      task,
      tick: run.tick?.getTime(),
      fencingToken,
      attempt,
      trigger,
    });
    await store.write(election, fencingToken);
    await delay(Math.random() * 150, undefined, { ref: false });
    if (!signal.aborted) {
      await store.write(election, fencingToken);
    }
    tell('ran', { id });
  }
}

/** Waited for no longer than the drain timeout, however often they hang. */
@Injectable()
class Hooks {
  @OnElected('second')
  elected(): Promise<void> {
    return this.#hang();
  }

  @OnDeposed('second')
  deposed(): Promise<void> {
    return this.#hang();
  }

  #hang(): Promise<void> {
    return settings.hasHangingHooks && Math.random() < HANGING_SHARE
      ? new Promise(() => undefined)
      : Promise.resolve();
  }
}

@Module({
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({ ...settings.options, ...client }),
  ],
  providers: [Work, Hooks],
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
const calls = new ApiCalls(all, tasks);

for (const election of all) {
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
tell('ready');

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
  const { heapUsed } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().length;
  tell('usage', { heapBytes: heapUsed, handles });
}

function stackOf(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? String(error))
    : String(error);
}
