import { Injectable } from '@nestjs/common';
import { LeaderElections, type LeaderElection } from 'nestjs-zookeeper-leader';

/** Work that is cut into shards, each of which one instance does. */
@Injectable()
export class Shards {
  static readonly count = 4;

  readonly elections: readonly LeaderElection[];

  constructor(elections: LeaderElections) {
    this.elections = Array.from({ length: Shards.count }, (_, shard) =>
      elections.get(`shard-${shard}`),
    );
  }

  /** The elections of the shards that this instance works on. */
  get led(): LeaderElection[] {
    return this.elections.filter((election) => election.isLeader());
  }
}
