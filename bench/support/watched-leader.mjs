// @ts-check
/** A leader with many tasks, the dashboard and metrics, that measures itself. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { startLeader } from './leader-application.mjs';

const { LeaderElection } = await import('../../dist/esm/index.js');

const { app } = await startLeader((index) => ({
  // Spread over minutes and hours, as real ones are.
  expression: `${index % 60} ${index % 60} ${index % 24} * * *`,
}));
await app.get(LeaderElection).waitForLeadership();

/** Work of so little time may count as one piece. */
const TICK_MS = 1;
const delays = monitorEventLoopDelay({ resolution: 1 });
let begun = { cpu: process.cpuUsage(), atMs: performance.now() };
let ticked = process.cpuUsage();
/** By the clock of the CPU: other processes do not make it longer. */
let longestWorkMs = 0;
setInterval(() => {
  const { user, system } = process.cpuUsage(ticked);
  longestWorkMs = Math.max(longestWorkMs, (user + system) / 1_000);
  ticked = process.cpuUsage();
}, TICK_MS);
process.on('message', (message) => {
  if (message === 'begin') {
    delays.enable();
    delays.reset();
    longestWorkMs = 0;
    begun = { cpu: process.cpuUsage(), atMs: performance.now() };
    process.send?.('begun');
  } else if (message === 'next term') {
    void app
      .get(LeaderElection)
      .resign()
      .then(() => app.get(LeaderElection).waitForLeadership())
      .then(() => process.send?.('leads again'));
  } else {
    const { user, system } = process.cpuUsage(begun.cpu);
    delays.disable();
    const ms = performance.now() - begun.atMs;
    process.send?.({
      ms,
      cpu: (user + system) / 1_000 / ms,
      longestWorkMs,
      // The resolution itself is no delay.
      longestDelayMs: delays.max / 1e6 - 1,
    });
  }
});
process.on('disconnect', () => process.exit());
process.send?.({ url: await app.getUrl() });
