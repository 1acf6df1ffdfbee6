// @ts-check
/**
 *   node cluster.main.mjs <script> [<workers>]
 *
 * Runs instances as workers of node's cluster, as PM2's cluster mode does.
 */
import cluster from 'node:cluster';

const [, , main, workers = '1'] = process.argv;
cluster.setupPrimary({ exec: /** @type {string} */ (main) });
for (let count = 0; count < Number(workers); count++) {
  const worker = cluster.fork();
  process.stdout.write(
    `${JSON.stringify({ type: 'worker', pid: worker.process.pid })}\n`,
  );
}
