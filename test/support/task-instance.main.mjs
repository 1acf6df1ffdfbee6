// @ts-check
/**
 * A Nest application with leader tasks, in a process of its own: says on the
 * standard output what happens to its tasks, and does what the test tells it to.
 *
 * Runs from the build, as the guardian does. The environment has, as JSON,
 * the OPTIONS of the module and the TASKS (see {@link TaskDescription}).
 */
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { Cron, Interval, ScheduleModule } from '@nestjs/schedule';
import { blockEventLoop } from './block-event-loop.mjs';

/** @typedef {import('../../lib/index.js').LeaderTaskContext} LeaderTaskContext */
/** @typedef {import('../../lib/index.js').LeaderTaskEvent} LeaderTaskEvent */
/** @typedef {import('../../lib/index.js').Leadership} Leadership */

/**
 * @typedef {object} TaskDescription
 * @property {string} task
 * @property {string} [cron] when it runs, in UTC
 * @property {number} [intervalMs] when it runs, if there is no cron expression
 * @property {import('../../lib/index.js').LeaderTaskOptions} [options]
 * @property {[least: number, most: number]} [runMs] how long a run takes;
 *   default: no time at all
 * @property {string} [work] module whose `work(run, tell)` a run calls
 * @property {boolean} [heedsSignal] whether a run stops when its signal aborts
 */

/** @type {typeof import('../../lib/index.js')} */
const library = await import(
  new URL('../../dist/esm/index.js', import.meta.url).href
);
const { LeaderElection, LeaderTasks, OnlyLeader, ZookeeperLeaderModule } =
  library;
const { OPTIONS = '{}', TASKS = '[]' } = process.env;

/**
 * @param {string} type
 * @param {object} [details]
 */
function tell(type, details = {}) {
  // Of a clock that all processes of the machine share.
  const atNs = String(process.hrtime.bigint());
  process.stdout.write(`${JSON.stringify({ type, atNs, ...details })}\n`);
}

/** @param {LeaderTaskContext} run */
function describe({ task, tick, attempt, fencingToken, trigger }) {
  return { task, tick: tick?.getTime(), attempt, fencingToken, trigger };
}

/** @param {TaskDescription} description */
function defineJobs({ task, cron, intervalMs, options, ...how }) {
  const [least, most] = how.runMs ?? [0, 0];

  class Jobs {
    async run() {
      const run = /** @type {LeaderTaskContext} */ (
        library.currentLeaderTask()
      );
      tell('run began', describe(run));
      run.signal.addEventListener('abort', () =>
        tell('run aborted', {
          ...describe(run),
          reason: run.signal.reason.reason,
        }),
      );
      if (how.work) {
        const { work } = await import(how.work);
        await work(run, tell);
      }
      await delay(
        least + Math.random() * (most - least),
        undefined,
        how.heedsSignal ? { signal: run.signal } : {},
      );
      tell('run ended', describe(run));
    }
  }

  const method = /** @type {PropertyDescriptor} */ (
    Object.getOwnPropertyDescriptor(Jobs.prototype, 'run')
  );
  const decorators = [OnlyLeader({ task, ...options })];
  if (cron !== undefined) {
    decorators.push(Cron(cron, { timeZone: 'UTC' }));
  } else if (intervalMs !== undefined) {
    decorators.push(Interval(intervalMs));
  }
  for (const decorate of decorators) {
    decorate(Jobs.prototype, 'run', method);
  }
  Object.defineProperty(Jobs.prototype, 'run', method);
  return Jobs;
}

const app = await NestFactory.createApplicationContext(
  {
    module: class RootModule {},
    imports: [
      ScheduleModule.forRoot(),
      ZookeeperLeaderModule.forRoot(JSON.parse(OPTIONS)),
    ],
    providers: /** @type {TaskDescription[]} */ (JSON.parse(TASKS)).map(
      (description) => ({
        provide: description.task,
        useClass: defineJobs(description),
      }),
    ),
  },
  { logger: ['warn', 'error', 'fatal'], abortOnError: false },
);
app.enableShutdownHooks();

const election = app.get(LeaderElection);
/** @type {Leadership['role']} */
let role = 'idle';
election.leadership$.subscribe((/** @type {Leadership} */ leadership) => {
  if (leadership.role === 'leader') {
    const { fencingToken } = leadership.term;
    tell('leading', { instanceId: election.instanceId, fencingToken });
  } else if (role === 'leader') {
    tell('lost', { reason: leadership.reason });
  } else if (leadership.role === 'follower') {
    tell('following');
  }
  role = leadership.role;
});
app
  .get(LeaderTasks)
  .events$.subscribe((/** @type {LeaderTaskEvent} */ event) => {
    // Counting them is enough, on instances that only wait.
    if (event.type !== 'skipped' || event.reason !== 'not-leading') {
      const { type, ...details } = event;
      tell(`task ${type}`, details);
    }
  });

process.on(
  'message',
  (/** @type {{ blockMs?: number, do?: string, task?: string }} */ message) => {
    if (message.blockMs !== undefined) {
      blockEventLoop(message.blockMs);
    }
    switch (message.do) {
      case 'resign':
        void election.resign().then(() => tell('resigned'));
        break;
      case 'run':
        void app.get(LeaderTasks).runHere(String(message.task));
        break;
      case 'close':
        void app.close().then(() => process.exit(0));
        break;
    }
  },
);
tell('started');
