import { count } from '../cluster/verdict.js';
import type {
  PartitionGroupView,
  UnownedPartition,
} from '../cluster/partition-view.interface.js';
import { age, columns, printable } from './text.js';

/** Lists of numbers end after so many. */
const MOST_RANGES = 20;

/** A group with the instances that share it. */
export function describeGroup(view: PartitionGroupView): string {
  const { partitions, members, unowned, nextPartitions, round } = view;
  const owned = view.owners.filter(Boolean).length;
  const rows = members.map((each, place) => [
    `  ${printable(each.instanceId)}`,
    `owns ${each.owned} of ${shareText(each.share)}`,
    each.isMember ? `weight ${each.weight}` : 'leaves',
    rangesText(ownedBy(view, place)),
  ]);
  return [
    `Partitions "${printable(view.group)}": ${owned} of ${partitions} owned, ` +
      `${balanceText(view)}, ${view.movedLately} moved in the last minute` +
      (round === undefined ? ', no assignment' : `, assignment ${round}`),
    ...(rows.length > 0 ? [columns(rows)] : ['  No instance takes part.']),
    ...(nextPartitions === undefined
      ? []
      : [
          `  The number changes from ${partitions} to ${nextPartitions} when no ` +
            `instance works with ${partitions} any more.`,
        ]),
    ...unownedLines(unowned),
    ...view.warnings.map((warning) => `  ${printable(warning)}`),
  ].join('\n');
}

/** A line for each of several partitions with the same reason. */
function unownedLines(unowned: readonly UnownedPartition[]): string[] {
  const byReason = grouped(unowned, ({ isBlocked, assignedTo }) =>
    isBlocked
      ? 'a node that no session owns is in the way: delete it'
      : `assigned to ${assignedTo === undefined ? 'nobody' : printable(assignedTo)}`,
  );
  return [...byReason].map(([reason, those]) => {
    const [first] = those.toSorted((a, b) => +a.since - +b.since);
    return (
      `  Nobody owns ${rangesText(those.map(({ partition }) => partition))} ` +
      `(${reason}), seen for ${age(first?.since ?? new Date())}.`
    );
  });
}

/** In numerical order. */
function ownedBy({ owners }: PartitionGroupView, member: number): number[] {
  return [...owners.keys()].filter(
    (partition) => owners[partition]?.member === member,
  );
}

function balanceText({ imbalance, members }: PartitionGroupView): string {
  return imbalance < 1
    ? `balanced over ${count(members.length, 'instance')}`
    : `out of balance by ${shareText(imbalance)}`;
}

function shareText(share: number): string {
  return String(Number(share.toFixed(1)));
}

/** Numbers as `0-3, 7`; they ascend. */
export function rangesText(numbers: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of numbers) {
    const range = ranges.at(-1);
    if (range && range[1] === number - 1) {
      range[1] = number;
    } else {
      ranges.push([number, number]);
    }
  }
  const texts = ranges
    .slice(0, MOST_RANGES)
    .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  return texts.join(', ') + (ranges.length > MOST_RANGES ? ', …' : '');
}

/** Lists of what has the same key, in order. */
export function grouped<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): Map<Key, Item[]> {
  const lists = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const list = lists.get(key) ?? [];
    list.push(item);
    lists.set(key, list);
  }
  return lists;
}
