import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { LeaderElection } from 'nestjs-zookeeper-leader';
import { Shards } from './shards.js';

/** An election, and how many shards its next in line leads already. */
interface Candidate {
  readonly election: LeaderElection;
  readonly heirsLoad: number;
}

/**
 * The instance that starts first is first in line everywhere and would lead all
 * shards. An instance that leads two more than another gives one up, if it can to
 * the one that has the least to do: the next in line takes it.
 */
@Injectable()
export class Balancer {
  private readonly logger = new Logger(Balancer.name);
  private isBalancing = false;

  constructor(private readonly shards: Shards) {}

  @Interval(500)
  async balance(): Promise<void> {
    if (this.isBalancing) {
      return;
    }
    this.isBalancing = true;
    try {
      const surplus = await this.findSurplus();
      if (surplus) {
        this.logger.log(`gives up ${surplus.name}`);
        await surplus.resign();
      }
    } catch (error) {
      // ZooKeeper cannot be asked at the moment: next time.
      this.logger.warn(String(error));
    } finally {
      this.isBalancing = false;
    }
  }

  private async findSurplus(): Promise<LeaderElection | undefined> {
    if (this.shards.led.length < 2) {
      return undefined; // as before the first and after the last connection
    }
    const queues = await Promise.all(
      this.shards.elections.map((election) => election.participants()),
    );
    const loads = new Map<string, number>();
    for (const [place, { instanceId }] of queues.flatMap((queue) => [
      ...queue.entries(),
    ])) {
      const led = place === 0 ? 1 : 0;
      loads.set(instanceId, (loads.get(instanceId) ?? 0) + led);
    }
    const { led } = this.shards;
    if (led.length - Math.min(...loads.values()) < 2) {
      return undefined;
    }
    const candidates = led.map((election): Candidate => {
      const queue = queues[this.shards.elections.indexOf(election)];
      const heir = queue?.[1]?.instanceId ?? '';
      return { election, heirsLoad: loads.get(heir) ?? Infinity };
    });
    return candidates.toSorted((a, b) => a.heirsLoad - b.heirsLoad)[0]
      ?.election;
  }
}
