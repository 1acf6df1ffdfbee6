// @ts-check
/** Runs an instance as a worker of node's cluster, as PM2's cluster mode does. */
import cluster from 'node:cluster';

const main = /** @type {string} */ (process.argv[2]);
cluster.setupPrimary({ exec: main });
const worker = cluster.fork();
process.stdout.write(
  `${JSON.stringify({ type: 'worker', pid: worker.process.pid })}\n`,
);
