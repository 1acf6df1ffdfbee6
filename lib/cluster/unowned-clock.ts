import type { PartitionGroupNow } from './partition-view.js';
import type { PartitionGroupView } from './partition-view.interface.js';

/** ZooKeeper does not keep since when nobody owns a partition: who looks does. */
export class UnownedClock {
  #since = new Map<string, Date>();

  /** Says since when each of them has been seen without an owner. */
  timed(
    groups: readonly PartitionGroupNow[],
    now = new Date(),
  ): PartitionGroupView[] {
    const former = this.#since;
    this.#since = new Map();
    return groups.map((each) => ({
      ...each,
      unowned: each.unowned.map((one) => {
        const key = `${one.partition} ${each.group}`;
        const since = former.get(key) ?? now;
        this.#since.set(key, since);
        return { ...one, since };
      }),
    }));
  }

  /** Nobody looks any more. */
  forget(): void {
    this.#since.clear();
  }
}
