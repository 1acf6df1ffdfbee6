/**
 * @typedef {{ instanceId: string, application?: string, host?: string,
 *   pid?: number, priority?: number, fencingToken: number,
 *   joinedAt: string }} Participant
 * @typedef {{ instanceId: string, fencingToken: number, since: string,
 *   until?: string }} Term
 * @typedef {{ election: string,
 *   leader: { instanceId: string, since: string, fencingToken: number } | null,
 *   leaderlessSince?: string, participants: Participant[],
 *   participantCount: number, assignedTo?: string, warnings: string[], ownRole?: string,
 *   isDisabledHere: boolean, terms: Term[] }} Election
 */

/** Of those that wait, in the row. */
const MOST_NEXT = 3;

/**
 * Those without a leader first, then those with a foreign one.
 *
 * @param {Election[]} elections
 */
function sortedElections(elections) {
  return elections
    .filter(({ election, participants }) =>
      matches(election, ...participants.map(({ instanceId }) => instanceId)),
    )
    .toSorted((a, b) => troubleOf(b) - troubleOf(a));
}

/** @param {Election} election */
function troubleOf({ leader, warnings }) {
  return leader === null ? 2 : Number(warnings.length > 0);
}

/**
 * @param {Election[]} elections
 * @param {boolean} hasActions
 */
function electionTable(elections, hasActions) {
  return element(
    'table',
    { class: 'list' },
    tableHead(['Election', 'Leader', 'Next in line', 'Fencing token']),
    element(
      'tbody',
      {},
      ...elections.flatMap((election) => electionRows(election, hasActions)),
    ),
  );
}

/**
 * @param {Election} election
 * @param {boolean} hasActions
 */
function electionRows(election, hasActions) {
  const key = `election ${election.election}`;
  const flags = [
    election,
    hasActions,
    isDisclosed(key),
    commonPrefix,
    isStale(),
  ];
  const row = lazily('tr', key, flags, () => electionRow(election, key));
  return isDisclosed(key)
    ? [
        row,
        lazily('tr', `details ${key}`, flags, () =>
          electionDetails(election, key, hasActions),
        ),
      ]
    : [row];
}

/**
 * @param {Election} election
 * @param {string} key
 */
function electionRow(election, key) {
  const { leader, participants, participantCount } = election;
  const waiting = leader ? participants.slice(1) : participants;
  const waitingCount = participantCount - (leader ? 1 : 0);
  return element(
    'tr',
    {
      class: troubleOf(election) > 0 ? 'trouble' : '',
      'data-election': election.election,
      'data-key': key,
    },
    element(
      'td',
      { class: 'main' },
      element(
        'div',
        { class: 'title' },
        discloseButton(key, `Participants of ${election.election}`),
        element('span', { class: 'name' }, ...broken(election.election)),
      ),
      ...election.warnings.map((text) =>
        element(
          'div',
          { class: 'why', title: text },
          element('strong', {}, 'Foreign leader: '),
          text,
        ),
      ),
    ),
    element(
      'td',
      { 'data-label': 'Leader' },
      leader
        ? element(
            'span',
            { class: 'who' },
            swatch(leader.instanceId),
            element(
              'span',
              { class: 'leader' },
              instanceName(leader.instanceId),
            ),
            element(
              'span',
              { class: 'under' },
              ' for ',
              livingTime(leader.since, 'since'),
            ),
          )
        : leaderlessText(election),
    ),
    element(
      'td',
      { 'data-label': 'Next in line' },
      waitingCount === 0
        ? element('span', { class: 'empty' }, 'nobody')
        : element(
            'span',
            { class: 'waiting' },
            ...waiting
              .slice(0, MOST_NEXT)
              .map(({ instanceId }) => instanceTag(instanceId)),
            waitingCount > MOST_NEXT &&
              element(
                'span',
                { class: 'under' },
                `and ${waitingCount - MOST_NEXT} more`,
              ),
          ),
    ),
    element(
      'td',
      { 'data-label': 'Fencing token', class: 'number mono' },
      leader ? leader.fencingToken : unknown(),
    ),
  );
}

/** @param {Election} election */
function leaderlessText({ leaderlessSince, participantCount, isDisabledHere }) {
  const why =
    participantCount === 0
      ? isDisabledHere
        ? 'Nobody takes part; this instance has the option enabled: false.'
        : 'Nobody takes part.'
      : 'The first in line has not said yet that it leads.';
  return element(
    'span',
    {},
    element('span', { class: 'leader none' }, 'Nobody leads'),
    element(
      'span',
      { class: 'under' },
      ...(leaderlessSince
        ? [
            ` since ${clockText(leaderlessSince)}, for `,
            livingTime(leaderlessSince, 'since'),
          ]
        : [' and nobody has been seen to lead']),
      `. ${why}`,
    ),
  );
}

/**
 * @param {Election} election
 * @param {string} key
 * @param {boolean} hasActions
 */
function electionDetails(election, key, hasActions) {
  const { leader, participants, participantCount, warnings, assignedTo } =
    election;
  const more = participantCount - participants.length;
  return element(
    'tr',
    { class: 'details', 'data-key': `details ${key}` },
    element(
      'td',
      { colspan: 4 },
      element(
        'ol',
        { class: 'line', 'aria-label': 'Participants in succession order' },
        ...participants.map((participant, index) =>
          participantLine(election, participant, index),
        ),
        more > 0 &&
          element(
            'li',
            {},
            element('span', { class: 'under' }, `and ${more} more`),
          ),
      ),
      assignedTo !== undefined &&
        assignedTo !== leader?.instanceId &&
        element('p', { class: 'under' }, `assigned to ${assignedTo}`),
      ...warnings.map((text) => element('p', { class: 'error' }, text)),
      hasActions && leader && electionButtons(election),
    ),
  );
}

/**
 * @param {Election} election
 * @param {Participant} participant
 * @param {number} index
 */
function participantLine({ leader, warnings }, participant, index) {
  const { instanceId, application, host, pid, priority, joinedAt } =
    participant;
  const isLeader = leader !== null && index === 0;
  const where = [
    warnings.length > 0 && application,
    [host, pid && `pid ${pid}`].filter(Boolean).join(' '),
    priority && `priority ${priority}`,
  ]
    .filter(Boolean)
    .join(', ');
  return element(
    'li',
    {},
    element('span', { class: 'place' }, `${index + 1}.`),
    swatch(instanceId),
    element(
      'span',
      { class: 'who' },
      instanceName(instanceId),
      isLeader && element('span', { class: 'badge' }, 'leads'),
      element(
        'span',
        { class: 'under' },
        ` ${where}${where && ', '}joined ${clockText(joinedAt)}`,
      ),
    ),
  );
}

/** @param {Election} election */
function electionButtons({ election, leader, participants, assignedTo }) {
  const who = leader?.instanceId ?? '';
  const next = participants[1]?.instanceId;
  const [first, second] = participants.map(({ priority = 0 }) => priority);
  const why =
    (first ?? 0) > (second ?? 0)
      ? 'has a higher priority'
      : assignedTo === who && 'is to lead this election as part of its share';
  const back = why
    ? ` ${who} ${why} and takes leadership back within a minute; drain it to prevent that.`
    : '';
  const then = next
    ? `Then ${next} leads.${back}`
    : `Nobody else takes part: then ${who} leads again.`;
  return element(
    'div',
    { class: 'buttons' },
    actionButton({
      key: `hand-over ${election}`,
      label: 'Hand over',
      title: `Hand the leadership of ${election} over?`,
      text: `${who} makes way. Its running tasks are told to stop and waited for. ${then}`,
      yes: 'Hand it over',
      action: 'hand-over',
      query: { election, instance: who },
    }),
  );
}
