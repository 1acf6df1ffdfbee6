import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { LeadershipTerm } from 'nestjs-zookeeper-leader';
import { setTimeout as sleep } from 'node:timers/promises';
import { Shards } from './shards.js';

/** Works on the shards that this instance leads, for as long as it does. */
@Injectable()
export class ShardWorker implements OnModuleInit {
  readonly handled: string[] = [];
  private readonly logger = new Logger(ShardWorker.name);

  constructor(private readonly shards: Shards) {}

  onModuleInit(): void {
    for (const election of this.shards.elections) {
      election.leadership$.subscribe((leadership) => {
        if (leadership.role === 'leader') {
          void this.work(leadership.term);
        }
      });
    }
  }

  private async work({ election, signal }: LeadershipTerm): Promise<void> {
    this.logger.log(`begins with ${election}`);
    while (!signal.aborted) {
      this.handled.push(election);
      // Waiting ends with the leadership.
      await sleep(100, undefined, { signal }).catch(() => undefined);
    }
    this.logger.log(`ends with ${election}`);
  }
}
