/**
 * What of everything is shown, as the address has it: a link to it shows the same.
 */
const view = { q: '', show: 'all', /** @type {Set<string>} */ open: new Set() };

/** @type {() => void} */
let redraw = () => undefined;

function readView() {
  const hash = location.hash.slice(1);
  if (hash !== '' && !hash.includes('=')) {
    // A link to a section.
    return;
  }
  const parameters = new URLSearchParams(hash);
  view.q = parameters.get('q') ?? '';
  view.show = parameters.get('show') ?? 'all';
  view.open = new Set(parameters.getAll('open'));
}

/** @param {Partial<typeof view>} changes */
function setView(changes) {
  Object.assign(view, changes);
  const parameters = new URLSearchParams();
  if (view.q !== '') {
    parameters.set('q', view.q);
  }
  if (view.show !== 'all') {
    parameters.set('show', view.show);
  }
  for (const key of view.open) {
    parameters.append('open', key);
  }
  const hash = String(parameters);
  history.replaceState(
    null,
    '',
    `${location.pathname}${location.search}${hash && `#${hash}`}`,
  );
  redraw();
}

/** @param {string} key */
function isDisclosed(key) {
  return view.open.has(key);
}

/** @param {string} key */
function toggle(key) {
  const open = new Set(view.open);
  if (!open.delete(key)) {
    open.add(key);
  }
  setView({ open });
}

/** @param {(string | undefined)[]} texts of something that may be looked for */
function matches(...texts) {
  const wanted = view.q.trim().toLowerCase();
  return (
    wanted === '' || texts.some((text) => text?.toLowerCase().includes(wanted))
  );
}

/**
 * Choices of which one is made, such as all tasks and those that fail.
 *
 * @param {{ name: string, title: string, count: number }[]} choices
 */
function filterChoice(choices) {
  return element(
    'div',
    { class: 'filters', role: 'group', 'aria-label': 'Which tasks are shown' },
    ...choices.map(({ name, title, count }) =>
      element(
        'button',
        {
          type: 'button',
          'data-key': `show ${name}`,
          'aria-pressed': String(view.show === name),
          click: () => setView({ show: name }),
        },
        `${title} `,
        element('span', { class: 'count' }, count),
      ),
    ),
  );
}
