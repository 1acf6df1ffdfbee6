/**
 * @typedef {{ instanceId: string, isMember: boolean, weight: number,
 *   partitions: number, owned: number, assigned: number, share: number }} Member
 * @typedef {{ partition: number, since: string, assignedTo?: string,
 *   isBlocked: boolean }} Unowned
 * @typedef {{ group: string, partitions: number, nextPartitions?: number,
 *   round?: number, imbalance: number, movedLately: number, members: Member[],
 *   warnings: string[],
 *   unowned: Unowned[], owners: number[], fencingTokens: (number | null)[],
 *   since: (number | null)[] }} PartitionGroup
 * `owners`: by partition, the place of its owner in `members`; -1: nobody
 */

/** Up to so many partitions, each cell has its number in it. */
const MOST_NUMBERED = 64;
/** Rows of the table of partitions. */
const MOST_PARTITION_ROWS = 200;

/**
 * Those in which something has no owner first.
 *
 * @param {PartitionGroup[]} groups
 */
function sortedGroups(groups) {
  return groups
    .filter(({ group, members }) =>
      matches(group, ...members.map(({ instanceId }) => instanceId)),
    )
    .toSorted((a, b) => b.unowned.length - a.unowned.length);
}

/** @param {PartitionGroup[]} groups */
function partitionTable(groups) {
  return element(
    'table',
    { class: 'list' },
    tableHead(['Name', 'Owned', 'Balance', 'Moved in the last minute']),
    element('tbody', {}, ...groups.flatMap(groupRows)),
  );
}

/** @param {PartitionGroup} group */
function groupRows(group) {
  const key = `partitions ${group.group}`;
  const flags = [group, isDisclosed(key), commonPrefix, isStale()];
  return [
    lazily('tr', key, flags, () => groupRow(group, key)),
    lazily('tr', `map ${key}`, flags, () => mapRow(group, key)),
    ...(isDisclosed(key)
      ? [
          lazily('tr', `details ${key}`, flags, () =>
            partitionDetails(group, key),
          ),
        ]
      : []),
  ];
}

/**
 * @param {PartitionGroup} group
 * @param {string} key
 */
function groupRow(group, key) {
  const { partitions, unowned, members, imbalance, movedLately, warnings } =
    group;
  const isTrouble = unowned.length + warnings.length > 0;
  const owned = group.owners.filter((owner) => owner >= 0).length;
  return element(
    'tr',
    {
      class: isTrouble ? 'trouble' : imbalance >= 1 ? 'odd' : '',
      'data-partitions': group.group,
      'data-key': key,
    },
    element(
      'td',
      { class: 'main' },
      element(
        'div',
        { class: 'title' },
        discloseButton(key, `Partitions of ${group.group}`),
        element('span', { class: 'name' }, ...broken(group.group)),
      ),
      ...warnings.map((text) =>
        element('div', { class: 'why', title: text }, text),
      ),
    ),
    element(
      'td',
      { 'data-label': 'Owned', class: 'number' },
      unowned.length > 0
        ? element('span', { class: 'leader none' }, `${owned} of ${partitions}`)
        : `${owned} of ${partitions}`,
    ),
    element(
      'td',
      { 'data-label': 'Balance' },
      members.length === 0
        ? element('span', { class: 'empty' }, 'no instance takes part')
        : imbalance < 1
          ? `balanced over ${counted(members.length, 'instance')}`
          : element(
              'span',
              { class: 'outcome aborted' },
              `out of balance by ${shareText(imbalance)}`,
            ),
    ),
    element(
      'td',
      { 'data-label': 'Moved in the last minute', class: 'number' },
      movedLately,
    ),
  );
}

/**
 * Every partition as a cell in the colour of its owner, and who that is.
 *
 * @param {PartitionGroup} group
 * @param {string} key
 */
function mapRow(group, key) {
  const { group: name, partitions, members, owners, nextPartitions } = group;
  const isNumbered = partitions <= MOST_NUMBERED;
  return element(
    'tr',
    { class: 'details', 'data-key': `map ${key}` },
    element(
      'td',
      { colspan: 4 },
      ...unownedLines(group.unowned),
      nextPartitions !== undefined &&
        element(
          'p',
          { class: 'soft' },
          `The number changes from ${partitions} to ${nextPartitions} when no instance works with ${partitions} any more.`,
        ),
      element(
        'div',
        {
          class: isNumbered ? 'cells numbered' : 'cells',
          role: 'img',
          'aria-label': `The owners of the ${partitions} partitions of ${name}; the list below has the same`,
        },
        ...owners.map((_, partition) =>
          partitionCell(group, partition, isNumbered),
        ),
      ),
      element(
        'ul',
        { class: 'owners', 'aria-label': `Who owns partitions of ${name}` },
        ...members.map(({ instanceId, owned, isMember }) =>
          element(
            'li',
            {},
            instanceTag(instanceId),
            ' ',
            element('strong', {}, owned),
            !isMember && element('span', { class: 'under' }, ' leaves'),
          ),
        ),
      ),
    ),
  );
}

/**
 * @param {PartitionGroup} group
 * @param {number} partition
 * @param {boolean} isNumbered
 */
function partitionCell(group, partition, isNumbered) {
  const owner = group.members[group.owners[partition] ?? -1];
  const since = group.since[partition];
  const token = group.fencingTokens[partition];
  const cell = element(
    'i',
    {
      class: owner ? undefined : 'none',
      title: owner
        ? `${partition}: ${owner.instanceId}${typeof since === 'number' ? `, since ${clockText(since)}, fencing token ${token}` : ''}`
        : `${partition}: nobody`,
    },
    isNumbered && partition,
  );
  if (owner) {
    colour(cell, owner.instanceId);
  }
  return cell;
}

/**
 * A line for all that have the same reason.
 *
 * @param {Unowned[]} unowned
 */
function unownedLines(unowned) {
  /** @type {Map<string, Unowned[]>} */
  const reasons = new Map();
  for (const each of unowned) {
    const reason = each.isBlocked
      ? 'a node that no session owns is in the way: delete it'
      : `assigned to ${each.assignedTo ?? 'nobody'}`;
    reasons.set(reason, [...(reasons.get(reason) ?? []), each]);
  }
  return [...reasons].map(([reason, those]) => {
    const since = those.map((each) => each.since).toSorted()[0] ?? '';
    return element(
      'p',
      { class: 'nobody' },
      element(
        'strong',
        {},
        `Nobody owns ${rangesText(those.map(({ partition }) => partition))}`,
      ),
      ` (${reason}), seen for `,
      livingTime(since, 'since'),
    );
  });
}

/**
 * @param {PartitionGroup} group
 * @param {string} key
 */
function partitionDetails(group, key) {
  const { members, owners, since, fencingTokens } = group;
  const shown = owners.slice(0, MOST_PARTITION_ROWS);
  return element(
    'tr',
    { class: 'details', 'data-key': `details ${key}` },
    element(
      'td',
      { colspan: 4 },
      element(
        'div',
        { class: 'scroll' },
        element(
          'table',
          {},
          tableHead(['Instance', 'Owns', 'Share', 'Weight', 'Partitions']),
          element(
            'tbody',
            {},
            ...members.map((each, index) => memberRow(group, each, index)),
          ),
        ),
        element(
          'table',
          {},
          tableHead(['Partition', 'Owner', 'Since', 'Fencing token']),
          element(
            'tbody',
            {},
            ...shown.map((owner, partition) =>
              element(
                'tr',
                {},
                element('td', { class: 'number' }, partition),
                element(
                  'td',
                  {},
                  members[owner]
                    ? instanceTag(members[owner].instanceId)
                    : element('span', { class: 'leader none' }, 'nobody'),
                ),
                element(
                  'td',
                  { class: 'number' },
                  timeOrUnknown(since[partition]),
                ),
                element(
                  'td',
                  { class: 'number mono' },
                  fencingTokens[partition] ?? unknown(),
                ),
              ),
            ),
          ),
        ),
      ),
      owners.length > shown.length &&
        element(
          'p',
          { class: 'soft' },
          `The first ${shown.length} of ${owners.length}. The command "partitions" lists all.`,
        ),
    ),
  );
}

/**
 * @param {PartitionGroup} group
 * @param {Member} member
 * @param {number} index
 */
function memberRow(
  { owners },
  { instanceId, isMember, owned, share, weight },
  index,
) {
  const numbers = [...owners.keys()].filter((each) => owners[each] === index);
  return element(
    'tr',
    {},
    element('td', {}, instanceTag(instanceId)),
    element('td', { class: 'number' }, owned),
    element('td', { class: 'number' }, shareText(share)),
    element('td', { class: 'number' }, isMember ? weight : 'leaves'),
    element('td', { class: 'error' }, rangesText(numbers)),
  );
}

/** @param {number | null | undefined} ms */
function timeOrUnknown(ms) {
  return typeof ms === 'number' ? clockText(ms) : unknown();
}

/** @param {number} share */
function shareText(share) {
  return String(Number(share.toFixed(1)));
}

/** @param {number[]} numbers that ascend */
function rangesText(numbers) {
  /** @type {[number, number][]} */
  const ranges = [];
  for (const number of numbers) {
    const range = ranges.at(-1);
    if (range && range[1] === number - 1) {
      range[1] = number;
    } else {
      ranges.push([number, number]);
    }
  }
  const shown = ranges.slice(0, 20);
  const texts = shown.map(([first, last]) =>
    first === last ? `${first}` : `${first}–${last}`,
  );
  return texts.join(', ') + (ranges.length > shown.length ? ', …' : '');
}

/**
 * What an instance owns, by group.
 *
 * @param {PartitionGroup[]} groups
 * @param {string} instanceId
 */
function ownedTexts(groups, instanceId) {
  return groups.flatMap(({ group, members }) =>
    members
      .filter((each) => each.instanceId === instanceId && each.owned > 0)
      .map(({ owned }) => `${counted(owned, 'partition')} of ${group}`),
  );
}
