import { Subscription } from 'rxjs';
import type { Leadership } from '../election/leadership.interface.js';
import type { PartitionSet } from '../partitions/partition-set.js';
import type { LeaderMetrics } from './leader-metrics.js';

/** Counts the moves of the partitions of one name, as this instance sees them. */
export class PartitionRecorder {
  readonly #recording = new Subscription();

  constructor(
    metrics: LeaderMetrics,
    readonly set: PartitionSet,
    /** Of the group, as a label. */
    readonly label: string,
  ) {
    metrics.partitionTerms.inc({ group: label }, 0);
    for (const { leadership$ } of set.elections) {
      let former: Leadership['role'] = 'idle';
      this.#recording.add(
        leadership$.subscribe(({ role, reason }) => {
          if (role === 'leader' && former !== 'leader') {
            metrics.partitionTerms.inc({ group: label });
          } else if (role !== 'leader' && former === 'leader') {
            metrics.partitionTermsEnded.inc({ group: label, reason });
          }
          former = role;
        }),
      );
    }
  }

  stop(): void {
    this.#recording.unsubscribe();
  }
}
