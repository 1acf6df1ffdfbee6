// @ts-check
/**
 * An instance of an application with some leader tasks and the dashboard, for
 * screenshots. Takes its settings from the environment; tells its port to its
 * parent.
 */
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule } from '@nestjs/schedule';

const root = '../../dist/esm';
const { LeaderElections, OnlyLeader, ZookeeperLeaderModule } = await import(
  `${root}/index.js`
);
const { ZookeeperLeaderDashboardModule } = await import(
  `${root}/dashboard/index.js`
);

const { SITUATION, INSTANCE_ID, CONNECT } = process.env;
const isMany = SITUATION === 'many';
const isEmpty = SITUATION === 'empty';

/**
 * @typedef {{ task: string, cron: string, ms: number, election?: string,
 *   error?: string, slowAfter?: number }} Job
 */

/** @type {Job[]} */
const JOBS = isEmpty
  ? []
  : isMany
    ? Array.from({ length: 200 }, (_, index) => ({
        task: `${['Invoices', 'Customers', 'Stock', 'Reports', 'Search'][index % 5]}.${['refresh', 'export', 'cleanUp', 'synchronise'][Math.floor(index / 5) % 4]}Region${Math.floor(index / 20) + 1}`,
        cron: `*/${5 + (index % 11)} * * * * *`,
        ms: 20 + index,
        election: index < 50 ? `region-${index + 1}` : 'default',
        ...(index === 73 && {
          error: 'duplicate key value violates unique constraint "exports_pk"',
        }),
      }))
    : [
        { task: 'InvoicesService.sendMonthly', cron: '*/5 * * * * *', ms: 320 },
        {
          task: 'PaymentsService.retryFailedPayments',
          cron: '*/4 * * * * *',
          ms: 140,
          election: 'billing',
          ...(SITUATION === 'failing' && {
            error:
              'connect ECONNREFUSED 10.4.12.8:5432\n    at the payment provider (request 8f2c1e7a)',
          }),
        },
        {
          task: 'SearchService.reindexProducts',
          cron: '*/6 * * * * *',
          ms: 800,
          election: 'search',
          ...(SITUATION === 'failing' && { slowAfter: 3 }),
        },
        { task: 'ReportsService.daily', cron: '0 30 2 * * *', ms: 900 },
        { task: 'StockService.synchronise', cron: '*/7 * * * * *', ms: 240 },
        {
          task: 'CustomersService.importFromSalesforce',
          cron: '*/9 * * * * *',
          ms: 510,
        },
      ];

class Jobs {}
let reindexed = 0;
for (const { task, cron, ms, election, error, slowAfter } of JOBS) {
  Object.assign(Jobs.prototype, {
    async [task]() {
      reindexed += slowAfter === undefined ? 0 : 1;
      const isSlow = slowAfter !== undefined && reindexed > slowAfter;
      await delay(isSlow ? 600_000 : ms * (0.8 + Math.random() * 0.4));
      if (error) throw new Error(error);
    },
  });
  const descriptor = /** @type {PropertyDescriptor} */ (
    Object.getOwnPropertyDescriptor(Jobs.prototype, task)
  );
  OnlyLeader({
    task,
    ledger: true,
    overlap: 'skip',
    ...(election && { election }),
  })(Jobs.prototype, task, descriptor);
  Cron(cron, { name: task })(Jobs.prototype, task, descriptor);
  Object.defineProperty(Jobs.prototype, task, descriptor);
}

class AppModule {}
Module({
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({
      connectionString: CONNECT,
      basePath: '/production/shop',
      instanceId: INSTANCE_ID,
      sessionTimeoutMs: 4_000,
      enabled: !isEmpty,
    }),
    ZookeeperLeaderDashboardModule.forRoot({ actions: { guard: false } }),
  ],
  providers: [Jobs],
})(AppModule);

const app = await NestFactory.create(AppModule, {
  logger: false,
  forceCloseConnections: true,
});
await app.listen(0, '127.0.0.1');
process.send?.({ url: `${await app.getUrl()}/leadership` });
process.on('message', (message) => {
  if (message === 'withdraw') {
    const elections = app.get(LeaderElections);
    for (const name of elections.names) void elections.get(name).withdraw();
  }
});
process.on('SIGTERM', () => void app.close().then(() => process.exit()));
process.on('disconnect', () => process.exit());
