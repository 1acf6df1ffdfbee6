// @ts-check
/** Lets this library, its peers and the bare protocol take turns on one real server. */
import { spawn } from 'node:child_process';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { startZookeeper } from '../../scripts/zookeeper/server.mjs';
import { stepsOf } from './plans.mjs';
import { REAL_SERVER } from './real-server.mjs';

/** @typedef {import('./table.mjs').Line} Line */

/** A program that takes longer hangs: the others are measured without it. */
const LONGEST_STEP_MS = 600_000;

/**
 * @param {import('./plans.mjs').Plan} plan
 * @param {readonly import('./peers.mjs').Peer[]} peers
 * @param {readonly string[] | undefined} metrics
 * @returns {Promise<{ machine: string, lines: Line[] }>}
 */
export async function measure(plan, peers, metrics) {
  const server = await startZookeeper(REAL_SERVER);
  const others = new Map(
    await Promise.all(
      peers.flatMap(({ name, startServer }) =>
        startServer
          ? [
              startServer().then(
                (other) => /** @type {const} */ ([name, other]),
              ),
            ]
          : [],
      ),
    ),
  );
  /** @type {Line[]} */
  const lines = [];
  /** @type {number[]} */
  const loads = [];
  for (let round = 1; round <= plan.rounds; round++) {
    // Who comes first changes from round to round.
    const order = round % 2 === 0 ? peers.toReversed() : peers;
    for (const [metric, parameters] of stepsOf(plan, round, metrics)) {
      for (const peer of order.filter((each) =>
        each.metrics.includes(metric),
      )) {
        const load = Number((loadavg()[0] ?? NaN).toFixed(1));
        loads.push(load);
        console.warn(
          `round ${round}: ${peer.name} ${metric} ${parameters.join(' ')} (load ${load})`,
        );
        const { connectionString } = others.get(peer.name) ?? server;
        const command = peer.command(connectionString, metric, parameters);
        lines.push(...(await report(command, round, load)));
      }
    }
  }
  await server.close();
  await Promise.all([...others.values()].map((other) => other.close()));
  const machine =
    `${new Date().toISOString().slice(0, 10)}: Node.js ${process.version}, ` +
    `${availableParallelism()} cores (${cpus()[0]?.model}), rounds: ${plan.rounds}, ` +
    `load: ${Math.min(...loads)} to ${Math.max(...loads)}`;
  return { machine, lines };
}

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
    timeout: LONGEST_STEP_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const end = await new Promise((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  if (end !== 0) {
    console.warn(`That failed with ${end}.`);
  }
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => ({ ...JSON.parse(line), round, load }));
}
