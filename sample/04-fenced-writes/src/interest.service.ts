import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { currentLeaderTask, OnlyLeader } from 'nestjs-zookeeper-leader';
import { Database } from './database.js';
import { enterFence } from './fence.js';

/** Adds one to an account at every tick, exactly once, whatever happens. */
@Injectable()
export class InterestService implements OnModuleInit {
  constructor(private readonly database: Database) {}

  async onModuleInit(): Promise<void> {
    await this.database.createTables();
  }

  @Cron(CronExpression.EVERY_SECOND)
  @OnlyLeader({
    task: 'interest',
    ledger: { missedTicks: 'all', interruptedRun: 'rerun' },
  })
  async add(): Promise<void> {
    const run = currentLeaderTask();
    if (!run) {
      return;
    }
    await this.database.transaction(async (client) => {
      if (await enterFence(client, run)) {
        await client.query('update account set balance = balance + 1');
      }
    });
  }
}
