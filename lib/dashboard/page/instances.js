/**
 * @typedef {{ instanceId: string, host?: string, pid?: number,
 *   version?: string, since?: string }} Instance
 */

/**
 * @param {Instance} instance
 * @param {string} ownId
 */
function instanceLine({ instanceId, host, pid, version, since }, ownId) {
  const where = [host, pid && `pid ${pid}`, version && `version ${version}`];
  return element(
    'li',
    {},
    swatch(instanceId),
    element('span', { class: 'name' }, instanceId),
    instanceId === ownId &&
      element('span', { class: 'badge' }, 'serves this page'),
    element(
      'span',
      { class: 'soft' },
      where.filter(Boolean).join(' · '),
      since ? ' · up ' : '',
      since ? livingTime(since, 'since') : '',
    ),
  );
}
