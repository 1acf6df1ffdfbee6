// @ts-check
/**
 * An instance in a process of its own, without a Nest application: says on the
 * standard output what happens to it, and does what the test tells it to.
 *
 * Runs from the build, as the guardian does.
 */
import { spawn } from 'node:child_process';
import { blockEventLoop } from './block-event-loop.mjs';
import { secureOptions } from './secure-options.mjs';

const load = (/** @type {string} */ file) =>
  import(new URL(`../../dist/esm/${file}`, import.meta.url).href);
const { LeaderElections } = await load('election/leader-elections.js');
const { balanceElections } = await load('balance/balanced-elections.js');
const { resolveOptions } = await load('zookeeper-leader.options.js');

const { nativeZookeeper } = await load('native/index.js');

const options = resolveOptions(
  secureOptions({
    ...JSON.parse(process.env.OPTIONS ?? '{}'),
    ...(process.env.CLIENT === 'native' && { client: nativeZookeeper() }),
  }),
);
const { instanceId } = options;
const elections = new LeaderElections(
  options,
  { instanceId, host: 'test', pid: process.pid },
  'test',
);
balanceElections(elections, options);
const enters = JSON.parse(process.env.ENTERS ?? '["default"]');
const [election] = enters.map((/** @type {string} */ name) =>
  elections.find(name, 'a test'),
);

/**
 * @param {string} type
 * @param {object} [details]
 */
function tell(type, details = {}) {
  const atNs = String(process.hrtime.bigint());
  process.stdout.write(`${JSON.stringify({ type, atNs, ...details })}\n`);
}

/** @type {import('../../lib/index.js').Leadership['role']} */
let role = 'idle';
election.leadership$.subscribe(
  (/** @type {import('../../lib/index.js').Leadership} */ leadership) => {
    if (leadership.role === 'leader') {
      tell('leading', {
        instanceId,
        pid: process.pid,
        fencingToken: leadership.term.fencingToken,
      });
    } else if (role === 'leader') {
      tell('lost', { reason: leadership.reason });
    } else if (leadership.role === 'follower') {
      tell('following');
    }
    role = leadership.role;
  },
);

// A timer stands for a cron job: after a pause it fires before anything that
// has come in meanwhile is read.
let lastTickMs = performance.now();
const ticks = setInterval(() => {
  const gapMs = performance.now() - lastTickMs;
  lastTickMs = performance.now();
  if (gapMs > 500) {
    tell('after a pause', {
      gapMs,
      isLeader: election.isLeader(),
      isHealthy: elections.isHealthy,
      role,
    });
    void election
      .revalidate()
      .then((/** @type {boolean} */ isLeader) =>
        tell('task', { isLeader, isHealthy: elections.isHealthy }),
      );
  }
}, 20);

/**
 * Blocks the event loop, again and again if it is awake in between.
 *
 * @param {number} blockMs
 * @param {number} [awakeMs]
 */
function block(blockMs, awakeMs) {
  blockEventLoop(blockMs);
  if (awakeMs !== undefined) {
    setTimeout(() => block(blockMs, awakeMs), awakeMs);
  }
}

process.on(
  'message',
  (
    /** @type {{ blockMs?: number, awakeMs?: number, exit?: string, spawn?: true, withdraw?: true }} */ message,
  ) => {
    if (message.blockMs !== undefined) {
      block(message.blockMs, message.awakeMs);
    }
    if (message.spawn !== undefined) {
      const child = spawn(
        process.execPath,
        ['-e', 'setTimeout(Object, 60_000)'],
        {
          detached: true,
          stdio: 'ignore',
        },
      );
      child.unref();
      tell('spawned', { pid: child.pid });
    }
    if (message.withdraw) {
      void election.withdraw();
    }
    switch (message.exit) {
      case 'exit':
        process.exit(0);
        break;
      case 'throw':
        setTimeout(() => {
          throw new Error('nobody catches this');
        });
        break;
      case 'reject':
        void Promise.reject(new Error('nobody handles this'));
        break;
      case 'close':
        void elections.shutDown().then(() => process.exit(0));
        break;
      case 'leave':
        // Whatever keeps the process alive from now on is the library's.
        clearInterval(ticks);
        void elections.shutDown().then(() => {
          tell('closed');
          process.channel?.unref();
        });
        break;
    }
  },
);

await elections.start();
tell('started', { pid: process.pid });
