// @ts-check
/**
 * How long nobody leads after the leader's process was killed by SIGKILL, at
 * several session timeouts: `node bench/failover.mjs [trials]`.
 *
 * Needs a build (`npm run build`) and starts a ZooKeeper server of its own.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startZookeeper } from '../scripts/zookeeper/server.mjs';

const MAIN = fileURLToPath(
  new URL('../test/support/instance.main.mjs', import.meta.url),
);
const trials = Number(process.argv[2] ?? 50);
const server = await startZookeeper({ maxSessionTimeoutMs: 60_000 });

/** @param {number} sessionTimeoutMs */
function startInstance(sessionTimeoutMs) {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      OPTIONS: JSON.stringify({
        connectionString: server.connectionString,
        basePath: `/failover-${sessionTimeoutMs}`,
        sessionTimeoutMs,
      }),
    },
  });
  /** @type {Map<string, (event: { atNs: string }) => void>} */
  const waiting = new Map();
  /** @type {Map<string, { atNs: string }>} */
  const seen = new Map();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const type = /"type":"(\w+)"/.exec(line)?.[1];
    if (type) {
      seen.set(type, JSON.parse(line));
      waiting.get(type)?.(JSON.parse(line));
    }
  });
  return {
    child,
    /**
     * @param {string} type
     * @returns {Promise<{ atNs: string }>}
     */
    event: (type) =>
      new Promise((resolve) => {
        const event = seen.get(type);
        if (event) {
          resolve(event);
        } else {
          waiting.set(type, resolve);
        }
      }),
  };
}

for (const sessionTimeoutMs of [2_000, 10_000, 40_000]) {
  let leader = startInstance(sessionTimeoutMs);
  await leader.event('leading');
  /** @type {number[]} */
  const tookMs = [];
  while (tookMs.length < trials) {
    const next = startInstance(sessionTimeoutMs);
    await next.event('following');
    const killedAt = process.hrtime.bigint();
    leader.child.kill('SIGKILL');
    const { atNs } = await next.event('leading');
    tookMs.push(Number(BigInt(atNs) - killedAt) / 1e6);
    leader = next;
  }
  leader.child.kill('SIGKILL');
  tookMs.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) =>
    (tookMs[Math.floor(share * (tookMs.length - 1))] ?? NaN).toFixed(1);
  console.log(
    `session timeout ${sessionTimeoutMs} ms, ${trials} kills: ` +
      `median ${at(0.5)} ms, 90 % ${at(0.9)} ms, worst ${at(1)} ms`,
  );
}
await server.close();
