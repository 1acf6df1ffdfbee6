import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type Type } from '@nestjs/common';
import { Cron, Interval } from '@nestjs/schedule';
import { PARTITIONS, SHARED_TASK } from '../settings.js';
import { library, settings } from './library.js';
import { StoreClient } from './store-client.js';
import { tell } from './tell.js';

const { currentLeaderTask, OnDeposed, OnElected, OnlyLeader } = library;
/** How often a hook never ends. */
const HANGING_SHARE = 0.3;

export const store = new StoreClient(
  settings.storePort,
  settings.options.instanceId,
);
let runs = 0;

async function run(): Promise<void> {
  const context = currentLeaderTask();
  if (!context) {
    tell('problem', { text: 'a leader task has no context' });
    return;
  }
  const { task, election, fencingToken, signal, attempt, trigger } = context;
  const id = ++runs;
  tell('run', {
    id,
    task,
    election,
    tick: context.tick?.getTime(),
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

@Injectable()
export class Work {
  /** Every tick at most once. */
  @Cron('* * * * * *')
  @OnlyLeader({
    task: 'once',
    ledger: { missedTicks: 'all', interruptedRun: 'skip', historySize: 200 },
    // A run that hangs must not cost the ticks after it.
    overlap: 'allow',
  })
  once(): Promise<void> {
    return run();
  }

  /** Every tick at least once. */
  @Interval(1_000)
  @OnlyLeader({
    task: 'again',
    ledger: { missedTicks: 'all', interruptedRun: 'rerun', historySize: 200 },
    overlap: 'allow',
  })
  again(): Promise<void> {
    return run();
  }
}

/** Waited for no longer than the drain timeout, however often they hang. */
@Injectable()
export class Hooks {
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

/** Work that is spread over the instances; undefined where the library is older. */
export function sharedWork(): Type | undefined {
  // An earlier version exports none.
  const { Partitions } = library as Partial<typeof library>;
  if (!Partitions) {
    return undefined;
  }
  @Injectable()
  class SharedWork {
    /** Every tick at most once, in every partition. */
    @Cron('* * * * * *')
    @OnlyLeader({
      task: SHARED_TASK,
      partitions: PARTITIONS,
      ledger: { missedTicks: 'all', interruptedRun: 'skip', historySize: 100 },
      overlap: 'allow',
    })
    shared(): Promise<void> {
      return run();
    }
  }
  return SharedWork;
}
