import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Cron, CronExpression, Interval } from '@nestjs/schedule';
import { currentLeaderTask, OnlyLeader } from 'nestjs-zookeeper-leader';

/** Work that only the leader does, some of it not too well. */
@Injectable()
export class InvoicesService {
  #reminders = 0;

  /** With a run ledger: no tick runs twice in the whole cluster. */
  @Cron('*/5 * * * * *')
  @OnlyLeader({ task: 'invoices', ledger: true })
  async sendInvoices(): Promise<void> {
    await delay(200 + Math.random() * 800, undefined, {
      signal: currentLeaderTask()?.signal,
    });
  }

  @Cron(CronExpression.EVERY_10_SECONDS)
  @OnlyLeader({ task: 'reminders', ledger: true })
  async sendReminders(): Promise<void> {
    this.#reminders += 1;
    await delay(100);
    if (this.#reminders % 4 === 0) {
      throw new Error('The mail server does not answer');
    }
  }

  /** Without: what one instance knows of it, the others do not. */
  @Interval(3_000)
  @OnlyLeader({ election: 'cache' })
  warmCache(): void {
    // Quick.
  }
}
