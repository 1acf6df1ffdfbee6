// @ts-check
/**
 * A leader whose tasks have different expressions and zones, and which measures what
 * one look costs. It sends its figures and ends.
 */
import { startLeader } from './leader-application.mjs';
import { measureDashboard, measureLists, measureScrapes } from './looks.mjs';

const root = '../../dist/esm';
const { LeaderElection, LeaderTasks } = await import(`${root}/index.js`);
const { DashboardState } = await import(`${root}/dashboard/dashboard-state.js`);

const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Asia/Tokyo',
  'UTC',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Asia/Kolkata',
  'Pacific/Auckland',
  'Africa/Cairo',
  'America/Los_Angeles',
];
/** @type {readonly ((index: number) => string)[]} */
const SHAPES = [
  (index) => `${index % 60} ${index % 60} ${index % 24} * * *`,
  (index) => `0 ${index % 60} ${index % 24} * * 1-5`,
  (index) => `0 0 ${index % 24} 1 * *`,
  (index) => `${index % 60} ${index % 60} * * * *`,
  () => '0 0 9 * 1,4,7,10 1',
  // Around the hour in which clocks change.
  () => '0 30 1 * * *',
  () => '0 30 2 * * 0',
  // Rare: cron itself needs up to most of a second for the next one.
  () => '0 0 29 2 *',
  () => '0 0 29 2 5',
  () => '0 0 13 * 5',
];
/** Runs that the ledger of each task has. */
const RUNS = 10;

const { app, registry } = await startLeader((index) => ({
  expression: /** @type {(index: number) => string} */ (
    SHAPES[index % SHAPES.length]
  )(index),
  timeZone: ZONES[Math.floor(index / SHAPES.length) % ZONES.length],
}));
const tasks = app.get(LeaderTasks);
const lists = await measureLists(tasks);
await app.get(LeaderElection).waitForLeadership();
for (let run = 0; run < RUNS; run++) {
  await Promise.all(
    tasks
      .list()
      .map((/** @type {{ task: string }} */ { task }) =>
        tasks.runOnLeader(task),
      ),
  );
}
const scrapes = await measureScrapes(registry);
const dashboard = await measureDashboard(app.get(DashboardState));
await app.close();
process.send?.({ ...lists, ...scrapes, ...dashboard });
process.disconnect();
