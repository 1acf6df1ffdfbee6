/**
 * @typedef {{ instanceId: string, host?: string, pid?: number,
 *   version?: string, since?: string }} Instance
 * @typedef {Instance & { leftAt: string, seenUntil?: string, led: string[] }}
 *   LeftInstance
 * @typedef {{ instanceId: string, by: string, at: string }} Drain
 * @typedef {{ at: string, action: string, target: string, by: string,
 *   from: string, outcome: string }} AuditEntry
 */

/**
 * @param {Instance[]} instances
 * @param {LeftInstance[]} left
 * @param {Election[]} elections
 * @param {PartitionGroup[]} groups
 * @param {Drain[]} drains
 * @param {About | undefined} known
 */
function instanceTable(instances, left, elections, groups, drains, known) {
  const hasActions =
    known?.hasActions === true && known.connection !== 'standalone';
  /** @param {string} id */
  const ledBy = (id) =>
    elections
      .filter(({ leader }) => leader?.instanceId === id)
      .map(({ election }) => election);
  return element(
    'table',
    { class: 'list' },
    tableHead([
      'Instance',
      'Leads',
      'Up for',
      'Version',
      'Where',
      hasActions && 'Actions',
    ]),
    element(
      'tbody',
      {},
      ...left.map((each) => leftRow(each, hasActions)),
      ...instances.map((instance) =>
        instanceRow(
          instance,
          ledBy(instance.instanceId),
          ownedTexts(groups, instance.instanceId),
          drains.find((each) => each.instanceId === instance.instanceId),
          known?.instanceId === instance.instanceId,
          hasActions,
        ),
      ),
    ),
  );
}

/**
 * @param {Instance} instance
 * @param {string[]} led
 * @param {string[]} owned
 * @param {Drain | undefined} drain
 * @param {boolean} isOwn
 * @param {boolean} hasActions
 */
function instanceRow(instance, led, owned, drain, isOwn, hasActions) {
  const { instanceId, host, pid, version, since } = instance;
  return element(
    'tr',
    { 'data-instance': instanceId, 'data-key': `instance ${instanceId}` },
    element(
      'td',
      { class: 'main' },
      instanceTag(instanceId),
      isOwn && element('span', { class: 'badge' }, 'serves this page'),
      drain &&
        element(
          'div',
          { class: 'outcome aborted' },
          `drained by ${drain.by} since ${clockText(drain.at)}`,
        ),
    ),
    element('td', { 'data-label': 'Leads' }, ledText([...led, ...owned])),
    element(
      'td',
      { 'data-label': 'Up for', class: 'number' },
      since ? livingTime(since, 'since') : unknown(),
    ),
    element('td', { 'data-label': 'Version' }, version ?? unknown()),
    element(
      'td',
      { 'data-label': 'Where', class: 'soft' },
      [host, pid && `pid ${pid}`].filter(Boolean).join(' '),
    ),
    hasActions &&
      element(
        'td',
        { 'data-label': '' },
        drainButton(instanceId, led, owned, drain !== undefined),
      ),
  );
}

/**
 * @param {string} instance
 * @param {string[]} led
 * @param {string[]} owned
 * @param {boolean} isDrained
 */
function drainButton(instance, led, owned, isDrained) {
  if (isDrained) {
    return actionButton({
      key: `undrain ${instance}`,
      label: 'Undrain',
      title: `Let ${instance} take part again?`,
      text: 'It enters its elections again, behind all others.',
      yes: 'Undrain it',
      action: 'undrain',
      query: { instance },
    });
  }
  const now =
    led.length > 0
      ? `It leads ${led.join(', ')} now: its running tasks are told to stop and waited for, then the next in line leads.`
      : 'It leads nothing now.';
  const partitions =
    owned.length > 0 ? ` Others take its ${owned.join(', ')}.` : '';
  return actionButton({
    key: `drain ${instance}`,
    label: 'Drain',
    title: `Drain ${instance}?`,
    text: `It leaves all elections, and stays out of them until somebody undrains it. ${now}${partitions}`,
    yes: 'Drain it',
    action: 'drain',
    query: { instance },
  });
}

/**
 * @param {LeftInstance} instance
 * @param {boolean} hasActions
 */
function leftRow(
  { instanceId, leftAt, seenUntil, led, host, pid },
  hasActions,
) {
  return element(
    'tr',
    {
      class: 'left',
      'data-left': instanceId,
      'data-key': `left ${instanceId}`,
    },
    element('td', { class: 'main' }, instanceTag(instanceId)),
    element(
      'td',
      { 'data-label': 'Left', colspan: 3 },
      element(
        'span',
        {},
        element('strong', {}, 'left '),
        ...(seenUntil
          ? [`between ${clockText(seenUntil)} and ${clockText(leftAt)}`]
          : [livingTime(leftAt, 'since'), ' ago']),
        led.length > 0 ? `, led ${led.join(', ')}` : '',
      ),
    ),
    element(
      'td',
      {
        'data-label': 'Where',
        class: 'soft',
        colspan: hasActions ? 2 : undefined,
      },
      [host, pid && `pid ${pid}`].filter(Boolean).join(' '),
    ),
  );
}

/** @param {string[]} led */
function ledText(led) {
  if (led.length === 0) {
    return element('span', { class: 'empty' }, 'nothing');
  }
  const shown = led.slice(0, 4).join(', ');
  return element(
    'span',
    { title: led.join(', ') },
    led.length > 4 ? `${shown} and ${led.length - 4} more` : shown,
  );
}

/** The newest first. @param {AuditEntry[]} entries */
function auditTable(entries) {
  return element(
    'table',
    { class: 'list' },
    tableHead(['When', 'Who', 'What', 'What became of it', 'From']),
    element(
      'tbody',
      {},
      ...entries
        .toReversed()
        .map(({ at, by, action, target, outcome, from }) =>
          element(
            'tr',
            {},
            element(
              'td',
              { 'data-label': 'When', class: 'number' },
              clockText(at),
            ),
            element('td', { 'data-label': 'Who' }, by),
            element(
              'td',
              { 'data-label': 'What' },
              `${action.replaceAll('-', ' ')} `,
              element('strong', {}, ...broken(target)),
            ),
            element('td', { 'data-label': 'What became of it' }, outcome),
            element('td', { 'data-label': 'From', class: 'soft' }, from),
          ),
        ),
    ),
  );
}
