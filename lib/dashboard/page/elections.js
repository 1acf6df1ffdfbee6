/**
 * @typedef {{ instanceId: string, host?: string, pid?: number,
 *   fencingToken: number, joinedAt: string }} Participant
 * @typedef {{ instanceId: string, fencingToken: number, since: string,
 *   until?: string }} Term
 * @typedef {{ election: string,
 *   leader: { instanceId: string, since: string, fencingToken: number } | null,
 *   participants: Participant[], participantCount: number, ownRole?: string,
 *   terms: Term[] }} Election
 */

/**
 * @param {Election} election
 * @param {boolean} hasActions
 */
function electionCard(election, hasActions) {
  const { leader, participants, participantCount } = election;
  const more = participantCount - participants.length;
  return element(
    'article',
    {
      class: 'election',
      'data-election': election.election,
      'data-key': `election ${election.election}`,
    },
    element('h3', {}, election.election),
    leader
      ? element('p', { class: 'leader' }, leader.instanceId)
      : element('p', { class: 'leader none' }, 'Nobody leads'),
    leader &&
      element(
        'p',
        { class: 'facts' },
        'since ',
        livingTime(leader.since, 'since'),
        ' · fencing token ',
        element('span', { class: 'mono token' }, leader.fencingToken),
      ),
    participants.length > 0 &&
      element(
        'ol',
        { class: 'line', 'aria-label': 'Participants in succession order' },
        ...participants.map((participant, index) =>
          participantLine(participant, index, leader !== null && index === 0),
        ),
        more > 0 &&
          element(
            'li',
            {},
            element('span', { class: 'facts' }, `and ${more} more`),
          ),
      ),
    hasActions && leader && electionButtons(election),
  );
}

/**
 * @param {Participant} participant
 * @param {number} index
 * @param {boolean} isLeader
 */
function participantLine({ instanceId, host, pid }, index, isLeader) {
  const where = [host, pid && `pid ${pid}`].filter(Boolean).join(' ');
  return element(
    'li',
    {},
    element('span', { class: 'place' }, `${index + 1}.`),
    swatch(instanceId),
    element(
      'span',
      { class: 'who' },
      element('span', { class: 'name' }, instanceId),
      isLeader && element('span', { class: 'badge' }, 'leads'),
      element('span', { class: 'host' }, where),
    ),
  );
}

/** @param {Election} election */
function electionButtons({ election, leader, ownRole }) {
  const who = leader?.instanceId ?? '';
  const text =
    'Its running tasks are told to stop and waited for; then the next in line leads.';
  return element(
    'div',
    { class: 'buttons' },
    element(
      'button',
      {
        type: 'button',
        'data-key': `move ${election}`,
        click: () =>
          void act({
            title: `Move the leadership of ${election} on?`,
            text: `${who} makes way. ${text}`,
            yes: 'Move it on',
            action: 'move-leadership',
            query: { election },
          }),
      },
      'Move leadership on',
    ),
    ownRole === 'leader' &&
      element(
        'button',
        {
          type: 'button',
          'data-key': `resign ${election}`,
          click: () =>
            void act({
              title: `Have this instance resign from ${election}?`,
              text,
              yes: 'Resign',
              action: 'resign-here',
              query: { election },
            }),
        },
        'Resign here',
      ),
  );
}
