import { Injectable } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import { OnlyLeader } from 'nestjs-zookeeper-leader';

/** What the world wants to know of. */
@Injectable()
export class BackupService {
  /** Set by tests. */
  work: () => Promise<void> = async () => undefined;

  @Cron(CronExpression.EVERY_SECOND)
  @OnlyLeader({ task: 'backup', ledger: true })
  async backUp(): Promise<void> {
    await this.work();
  }
}
