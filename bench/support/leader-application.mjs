// @ts-check
/** An application with many tasks, the dashboard and metrics. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { Registry } from 'prom-client';

const root = '../../dist/esm';
const { OnlyLeader, ZookeeperLeaderModule } = await import(`${root}/index.js`);
const { ZookeeperLeaderDashboardModule } = await import(
  `${root}/dashboard/index.js`
);
const { ZookeeperLeaderMetricsModule } = await import(
  `${root}/metrics/index.js`
);

/** @typedef {PropertyDescriptor} Descriptor */

/** @param {object} prototype @param {string} key */
function descriptorOf(prototype, key) {
  return /** @type {Descriptor} */ (
    Object.getOwnPropertyDescriptor(prototype, key)
  );
}

/**
 * Starts the application that the environment describes.
 *
 * @param {(index: number) => { expression: string, timeZone?: string | undefined }} scheduleOf
 */
export async function startLeader(scheduleOf) {
  const registry = new Registry();
  class Tasks {}
  for (let index = 0; index < Number(process.env.TASKS); index++) {
    const task = `Team${index % 10}.refreshRegion${index}`;
    Object.assign(Tasks.prototype, { [task]() {} });
    const descriptor = descriptorOf(Tasks.prototype, task);
    OnlyLeader({ task, ledger: true })(Tasks.prototype, task, descriptor);
    const { expression, timeZone } = scheduleOf(index);
    Cron(expression, { name: task, ...(timeZone && { timeZone }) })(
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
    descriptorOf(MetricsController.prototype, 'metrics'),
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
  return { app, registry };
}
