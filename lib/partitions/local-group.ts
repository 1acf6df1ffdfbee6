import type { Companion, CompanionParts } from '../election/companions.js';
import type { ManagedElection } from '../election/managed-election.js';
import { partitionName } from './partition.js';

/** The partitions of an application without ZooKeeper, which owns them all. */
export class LocalGroup implements Companion {
  readonly problems: readonly string[] = [];
  readonly partitions: readonly ManagedElection[];

  constructor(name: string, partitions: number, parts: CompanionParts) {
    this.partitions = Array.from({ length: partitions }, (_, index) =>
      parts.makeLocal(partitionName(name, index)),
    );
  }

  get assignedCount(): number {
    return this.partitions.length;
  }

  enter(): void {
    this.partitions.forEach((each) => each.enter());
  }

  async withdraw(): Promise<void> {
    await Promise.all(this.partitions.map((each) => each.withdraw()));
  }

  async shutDown(): Promise<void> {
    await Promise.all(this.partitions.map((each) => each.shutDown()));
  }
}
