// @ts-check
/**
 * An instance that dies as it is told to: SIGUSR2 has it do what DIE says. What
 * happens, and when by the machine's monotonic clock, goes to the standard output.
 */
import { connect } from 'node:net';

// Ends when the kernel has freed this process's memory and closes its files.
connect((process.env.LIFELINE ?? '').replace('@', '\0')).unref();

const load = (/** @type {string} */ file) =>
  import(new URL(`../../dist/esm/${file}`, import.meta.url).href);
const { LeaderElections } = await load('election/leader-elections.js');
const { resolveOptions } = await load('zookeeper-leader.options.js');

/** @param {string} type */
const tell = (type) =>
  process.stdout.write(`${type} ${process.hrtime.bigint()}\n`);

const options = resolveOptions(JSON.parse(process.env.OPTIONS ?? '{}'));
const elections = new LeaderElections(
  options,
  { instanceId: options.instanceId, host: 'bench', pid: process.pid },
  'bench',
);
elections
  .find(process.env.ELECTION ?? 'default', 'bench')
  .leadership$.subscribe((/** @type {{ role: string }} */ { role }) => {
    tell(role);
  });

/** @type {unknown[]} */
const kept = [];

/** @type {Record<string, () => void>} */
const WAYS = {
  exit: () => process.exit(1),
  exception: () => {
    throw new Error('nobody catches this');
  },
  abort: () => process.abort(),
  heap: () => {
    for (;;) {
      kept.push(Array.from({ length: 1e5 }, (_, index) => index));
    }
  },
  // Until the machine, or the memory cgroup, has no more.
  memory: () => {
    for (;;) {
      kept.push(Buffer.alloc(8 * 1024 * 1024, 1));
    }
  },
};
process.on('SIGUSR2', () => {
  tell('dying');
  WAYS[process.env.DIE ?? '']?.();
});
process.on('SIGTERM', () => {
  // There are no tasks: the drain ends at once.
  tell('dying');
  void elections.shutDown().then(() => process.exit(0));
});
await elections.start();
