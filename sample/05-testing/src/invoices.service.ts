import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { currentLeaderTask, OnlyLeader } from 'nestjs-zookeeper-leader';
import { Mailer } from './mailer.js';

/** Sends the invoices of the month, on one instance. */
@Injectable()
export class InvoicesService {
  constructor(private readonly mailer: Mailer) {}

  @Cron('0 2 1 * *', { name: 'invoices', timeZone: 'UTC' })
  @OnlyLeader()
  async send(customers = ['ada', 'grace', 'barbara']): Promise<number> {
    const { signal } = currentLeaderTask() ?? {};
    let sent = 0;
    for (const customer of customers) {
      if (signal?.aborted) {
        break;
      }
      await this.mailer.send(customer, 'your invoice');
      sent += 1;
    }
    return sent;
  }
}
