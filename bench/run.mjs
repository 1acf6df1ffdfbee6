// @ts-check
/**
 * `npm run bench`: this library, its peers and the protocol itself, on one real
 * server, taking turns.
 *
 *   npm run bench                        the quick form, about two minutes
 *   npm run bench -- --full              everything, about half an hour
 *   npm run bench -- --metrics acquire,handover --peers own,curator --rounds 5
 *
 * Writes every figure to bench/results.json, or to `--out`, and prints tables.
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startZookeeper } from '../scripts/zookeeper/server.mjs';
import { peers } from './support/peers.mjs';
import { ratioTable, targetTable, valueTable } from './support/table.mjs';

/** @typedef {import('./support/table.mjs').Line} Line */

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    metrics: { type: 'string' },
    peers: { type: 'string' },
    out: {
      type: 'string',
      default: fileURLToPath(new URL('results.json', import.meta.url)),
    },
  },
});

/** The metrics, each with its variants: parameters of the programs. */
const QUICK = {
  acquire: [['n=100', 'warm=100']],
  connect_acquire: [['n=10', 'warm=50']],
  request: [['n=200', 'warm=100']],
  handover: [['k=2,10', 'n=30', 'warm=20']],
  handover_requests: [['k=2,10', 'n=5']],
  crash_failover: [['n=3', 'timeout=2000']],
  crash_failover_both: [['n=2', 'timeout=2000']],
  many: [['n=1']],
  idle: [['seconds=10']],
  event_loop: [['seconds=1']],
  footprint: [['n=3']],
  guard: [['n=1000']],
  ledger_claim: [['n=50', 'warm=50']],
};
const FULL = {
  acquire: [[]],
  acquire_new_path: [[]],
  connect_acquire: [['n=50']],
  request: [[]],
  handover: [['k=2,10'], ['k=100', 'n=50', 'warm=10']],
  handover_requests: [
    ['k=2,10,100', 'n=20'],
    ['k=1000', 'n=5'],
  ],
  crash_failover: [
    ['n=10', 'timeout=2000'],
    ['n=5', 'timeout=10000'],
    ['n=2', 'timeout=40000'],
  ],
  crash_failover_both: [['n=5', 'timeout=2000']],
  many: [['idle=10000']],
  idle: [['seconds=60']],
  event_loop: [[]],
  footprint: [[]],
  guard: [[]],
  ledger_claim: [[]],
};
const plan = Object.entries(values.full ? FULL : QUICK).filter(
  ([metric]) => values.metrics?.split(',').includes(metric) ?? true,
);
const rounds = Number(values.rounds ?? (values.full ? 3 : 1));

const chosen = peers
  .filter(({ name }) => values.peers?.split(',').includes(name) ?? true)
  .filter((peer) => {
    const isInstalled = peer.isInstalled();
    if (!isInstalled) {
      console.warn(
        `Without ${peer.name}: it takes apt-get install ${peer.packages}`,
      );
    }
    return isInstalled;
  });

// Settings of a server that keeps its promises: on disk, with every write
// forced to it, and compiled by the second compiler.
const server = await startZookeeper({
  maxSessionTimeoutMs: 120_000,
  jvmArgs: [
    '-Xmx1g',
    '-XX:TieredStopAtLevel=4',
    '-Dzookeeper.forceSync=yes',
    '-Dzookeeper.preAllocSize=65536',
  ],
});
const others = new Map(
  await Promise.all(
    chosen.flatMap(({ name, startServer }) =>
      startServer
        ? [startServer().then((other) => /** @type {const} */ ([name, other]))]
        : [],
    ),
  ),
);
/** @type {Line[]} */
const lines = [];
/** @type {number[]} */
const loads = [];
for (let round = 1; round <= rounds; round++) {
  // Who comes first changes from round to round.
  const order = round % 2 === 0 ? chosen.toReversed() : chosen;
  for (const [metric, variants] of plan) {
    for (const parameters of variants) {
      for (const peer of order) {
        if (peer.metrics.includes(metric)) {
          const label = `round ${round}: ${peer.name} ${metric} ${parameters.join(' ')}`;
          const load = Number((loadavg()[0] ?? NaN).toFixed(1));
          loads.push(load);
          console.warn(`${label} (load ${load})`);
          const command = peer.command(
            (others.get(peer.name) ?? server).connectionString,
            metric,
            parameters,
          );
          lines.push(...(await report(command, round, load)));
        }
      }
    }
  }
}
await server.close();
await Promise.all([...others.values()].map((other) => other.close()));

const machine =
  `${new Date().toISOString().slice(0, 10)}: Node.js ${process.version}, ` +
  `${availableParallelism()} cores (${cpus()[0]?.model}), rounds: ${rounds}, ` +
  `load: ${Math.min(...loads)} to ${Math.max(...loads)}`;
await writeFile(values.out, `${JSON.stringify({ machine, lines }, null, 1)}\n`);
console.log(
  ['', machine, targetTable(lines), ratioTable(lines), valueTable(lines)].join(
    '\n\n',
  ),
);

/**
 * Runs a program and returns what it reported.
 *
 * @param {string[]} command
 * @param {number} round
 * @param {number} load of the machine when it began
 * @returns {Promise<Line[]>}
 */
async function report([program = '', ...parameters], round, load) {
  const child = spawn(program, parameters, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) {
    console.warn(`That failed with code ${code}.`);
  }
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => ({ ...JSON.parse(line), round, load }));
}
