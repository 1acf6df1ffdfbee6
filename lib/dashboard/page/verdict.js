/**
 * @typedef {{ failing: string[], leaderless: string[], foreign: string[],
 *   shared: string[],
 *   unowned?: string[], instances: number }} Verdict
 */

/** @param {number} number @param {string} noun */
function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/**
 * Whether anything is wrong, each part a link to what it counts.
 *
 * @param {Verdict} verdict
 * @returns {Child[]}
 */
function verdictLinks({
  failing,
  leaderless,
  foreign,
  shared,
  unowned,
  instances,
}) {
  const failingLink = element(
    'a',
    {
      href: failing.length > 0 ? '#show=failing' : '#tasks',
      class: failing.length > 0 ? 'bad' : '',
    },
    `${counted(failing.length, 'task')} failing`,
  );
  const leaderlessLink = element(
    'a',
    { href: '#elections', class: leaderless.length > 0 ? 'bad' : '' },
    `${counted(leaderless.length, 'election')} without a leader`,
  );
  const instancesLink = element(
    'a',
    { href: '#instances', class: instances === 0 ? 'bad' : '' },
    counted(instances, 'instance'),
  );
  const unownedLink =
    unowned &&
    element(
      'a',
      { href: '#partitions', class: unowned.length > 0 ? 'bad' : '' },
      `${counted(unowned.length, 'partition')} without an owner`,
    );
  return [
    failingLink,
    ' · ',
    leaderlessLink,
    ' · ',
    ...(unownedLink ? [unownedLink, ' · '] : []),
    ...linkTo(
      '#elections',
      foreign,
      `${counted(foreign.length, 'election')} with a foreign leader`,
    ),
    ...linkTo(
      '#partitions',
      shared,
      `partitions of several applications: ${shared.length}`,
    ),
    instancesLink,
  ];
}

/**
 * A link to these, which are wrong; nothing where there are none.
 *
 * @param {string} href
 * @param {string[]} names
 * @param {string} text
 * @returns {Child[]}
 */
function linkTo(href, names, text) {
  return names.length === 0
    ? []
    : [element('a', { href, class: 'bad' }, text), ' · '];
}

/** @param {Verdict} verdict */
function problemCount({ failing, leaderless, foreign, shared, unowned = [] }) {
  return [failing, leaderless, foreign, shared, unowned].flat().length;
}
