import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { currentLeaderTask, OnlyLeader } from 'nestjs-zookeeper-leader';

export const PARTITIONS = 12;

/** Polls mailboxes: each instance those of the partitions that it owns. */
@Injectable()
export class MailboxesService {
  readonly polled: number[] = [];

  @Cron('* * * * * *')
  @OnlyLeader({ task: 'mailboxes', partitions: PARTITIONS })
  async poll(): Promise<void> {
    const { partition, partitions, signal } = currentLeaderTask()!;
    for (let mailbox = 0; mailbox < 100; mailbox++) {
      signal.throwIfAborted(); // another instance owns the partition now
      if (mailbox % partitions === partition) {
        this.polled.push(mailbox);
      }
    }
  }
}
