import type {
  PartitionGroupView,
  PartitionOwner,
} from '../cluster/partition-view.interface.js';
import { grouped, rangesText } from './partitions.text.js';
import { printable } from './text.js';

/** Partitions of a group that have come to an instance, or to nobody. */
export interface Move {
  readonly type: 'owner' | 'unowned';
  readonly text: string;
  readonly group: string;
  readonly partitions: readonly number[];
  /** Absent: nobody owns them. */
  readonly instanceId?: string;
}

/** Notices who owns something else than before: one line for all that it got. */
export class PartitionMoves {
  readonly #known = new Map<string, readonly (PartitionOwner | undefined)[]>();

  since(groups: readonly PartitionGroupView[]): Move[] {
    return groups.flatMap((view) => {
      const former = this.#known.get(view.group) ?? [];
      this.#known.set(view.group, view.owners);
      const moved = [...view.owners.keys()].filter(
        (partition) => !isSame(former[partition], view.owners[partition]),
      );
      const byOwner = grouped(
        moved,
        (partition) => view.owners[partition]?.instanceId,
      );
      return [...byOwner].map(([instanceId, partitions]) =>
        moveOf(view, instanceId, partitions),
      );
    });
  }
}

function moveOf(
  { group, owners }: PartitionGroupView,
  instanceId: string | undefined,
  partitions: readonly number[],
): Move {
  const subject = `partitions "${printable(group)}"`;
  const numbers = rangesText(partitions);
  if (instanceId === undefined) {
    const text = `${subject}: nobody owns ${numbers}`;
    return { type: 'unowned', text, group, partitions };
  }
  const all = owners.filter((owner) => owner?.instanceId === instanceId).length;
  const text = `${subject}: ${printable(instanceId)} owns ${numbers} (${all} in all)`;
  return { type: 'owner', text, group, partitions, instanceId };
}

/** Whether it is the same term, so far as it is known. */
function isSame(
  former: PartitionOwner | undefined,
  present: PartitionOwner | undefined,
): boolean {
  return (
    former?.instanceId === present?.instanceId &&
    (former?.fencingToken === undefined ||
      present?.fencingToken === undefined ||
      former.fencingToken === present.fencingToken)
  );
}
