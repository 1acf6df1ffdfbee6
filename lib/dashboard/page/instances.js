/**
 * @typedef {{ instanceId: string, host?: string, pid?: number,
 *   version?: string, since?: string }} Instance
 * @typedef {Instance & { leftAt: string, seenUntil?: string, led: string[] }}
 *   LeftInstance
 */

/**
 * @param {Instance[]} instances
 * @param {LeftInstance[]} left
 * @param {Election[]} elections
 * @param {string} ownId
 */
function instanceTable(instances, left, elections, ownId) {
  /** @param {string} id */
  const ledBy = (id) =>
    elections
      .filter(({ leader }) => leader?.instanceId === id)
      .map(({ election }) => election);
  return element(
    'table',
    { class: 'list' },
    tableHead(['Instance', 'Leads', 'Up for', 'Version', 'Where']),
    element(
      'tbody',
      {},
      ...left.map(leftRow),
      ...instances.map((instance) =>
        instanceRow(instance, ledBy(instance.instanceId), ownId),
      ),
    ),
  );
}

/**
 * @param {Instance} instance
 * @param {string[]} led
 * @param {string} ownId
 */
function instanceRow({ instanceId, host, pid, version, since }, led, ownId) {
  return element(
    'tr',
    { 'data-instance': instanceId, 'data-key': `instance ${instanceId}` },
    element(
      'td',
      { class: 'main' },
      instanceTag(instanceId),
      instanceId === ownId &&
        element('span', { class: 'badge' }, 'serves this page'),
    ),
    element('td', { 'data-label': 'Leads' }, ledText(led)),
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
  );
}

/** @param {LeftInstance} instance */
function leftRow({ instanceId, leftAt, seenUntil, led, host, pid }) {
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
      { 'data-label': 'Where', class: 'soft' },
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
