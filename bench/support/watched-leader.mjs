// @ts-check
/** A leader with many tasks, the dashboard and metrics, that measures itself. */
import 'reflect-metadata';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { Registry } from 'prom-client';

const root = '../../dist/esm';
const { LeaderElection, OnlyLeader, ZookeeperLeaderModule } = await import(
  `${root}/index.js`
);
const { ZookeeperLeaderDashboardModule } = await import(
  `${root}/dashboard/index.js`
);
const { ZookeeperLeaderMetricsModule } = await import(
  `${root}/metrics/index.js`
);

/** @typedef {PropertyDescriptor} Descriptor */

const registry = new Registry();
class Tasks {}
for (let index = 0; index < Number(process.env.TASKS); index++) {
  const task = `Team${index % 10}.refreshRegion${index}`;
  Object.assign(Tasks.prototype, { [task]() {} });
  const descriptor = /** @type {Descriptor} */ (
    Object.getOwnPropertyDescriptor(Tasks.prototype, task)
  );
  OnlyLeader({ task, ledger: true })(Tasks.prototype, task, descriptor);
  // Spread over minutes and hours, as real ones are.
  Cron(`${index % 60} ${index % 60} ${index % 24} * * *`, { name: task })(
    Tasks.prototype,
    task,
    descriptor,
  );
  Object.defineProperty(Tasks.prototype, task, descriptor);
}

class MetricsController {
  metrics() {
    return registry.metrics();
  }
}
Controller()(MetricsController);
Get('metrics')(
  MetricsController.prototype,
  'metrics',
  /** @type {Descriptor} */ (
    Object.getOwnPropertyDescriptor(MetricsController.prototype, 'metrics')
  ),
);

class AppModule {}
Module({
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({
      connectionString: process.env.CONNECT,
      basePath: '/bench-operations',
    }),
    ZookeeperLeaderDashboardModule.forRoot(),
    ZookeeperLeaderMetricsModule.forRoot({ registry }),
  ],
  providers: [Tasks],
  controllers: [MetricsController],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
await app.get(LeaderElection).waitForLeadership();

const TICK_MS = 5;
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
