/** What a click does. @type {WeakMap<Node, () => void>} */
const clicks = new WeakMap();

document.addEventListener('click', ({ target }) => {
  let node = target instanceof Node ? target : null;
  for (; node; node = node.parentNode) {
    clicks.get(node)?.();
  }
});

/**
 * Makes an element. Text is never taken for markup.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | undefined | (() => void)>} attributes
 *   a function is a listener of clicks
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      clicks.set(node, value);
    } else if (value === true) {
      node.setAttribute(name, '');
    } else if (value !== undefined && value !== false) {
      node.setAttribute(name, String(value));
    }
  }
  append(node, children);
  return node;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {Child[]} children
 * @returns {SVGElement}
 */
function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, String(value));
  }
  append(node, children);
  return node;
}

/**
 * @param {Element} node
 * @param {Child[]} children
 */
function append(node, children) {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      node.append(typeof child === 'number' ? String(child) : child);
    }
  }
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * The colour of an instance: the same in every tab, because it is made from the
 * id alone.
 *
 * @param {HTMLElement | SVGElement} node
 * @param {string} instanceId
 */
function colour(node, instanceId) {
  let hash = 2166136261;
  for (const character of instanceId) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  }
  // Ids differ in their last characters, which have to change all of it.
  hash = Math.imul(hash ^ (hash >>> 16), 2246822507);
  hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
  hash ^= hash >>> 16;
  node.style.setProperty('--hue', String((hash >>> 0) % 360));
}

/** @param {string} instanceId */
function swatch(instanceId) {
  const node = element('span', { class: 'swatch', 'aria-hidden': 'true' });
  colour(node, instanceId);
  return node;
}

/**
 * A name that breaks after dots and dashes and before capitals, not within words.
 *
 * @param {string} name
 * @returns {Child[]}
 */
function broken(name) {
  return name
    .split(/(?<=[._:/-])|(?<=[a-z0-9])(?=[A-Z])/)
    .flatMap((part, index) =>
      index === 0 ? [part] : [document.createElement('wbr'), part],
    );
}

/** What all ids of instances begin with, where it is not worth its place. */
let commonPrefix = '';
const SHORTEST_PREFIX = 8;
const SHORTEST_REST = 3;

/** @param {Iterable<string>} instanceIds of all instances that are shown */
function learnNames(instanceIds) {
  const ids = [...new Set(instanceIds)];
  const [first = ''] = ids;
  let length = ids.length < 2 ? 0 : first.length;
  for (const id of ids) {
    while (!id.startsWith(first.slice(0, length))) {
      length -= 1;
    }
  }
  const prefix = first.slice(0, length).replace(/[^-.:_/]*$/, '');
  const isWorthIt =
    prefix.length >= SHORTEST_PREFIX &&
    ids.every((id) => id.length - prefix.length >= SHORTEST_REST);
  commonPrefix = isWorthIt ? prefix : '';
}

/**
 * The part of an instance's id that differs from the others; all of it for the
 * pointer and for screen readers.
 *
 * @param {string} instanceId
 */
function instanceName(instanceId) {
  const isShort = commonPrefix !== '' && instanceId.startsWith(commonPrefix);
  return element(
    'span',
    { class: 'name', title: instanceId },
    ...(isShort
      ? [
          element('span', { class: 'quiet' }, commonPrefix),
          element(
            'span',
            { class: 'short' },
            `…${instanceId.slice(commonPrefix.length)}`,
          ),
        ]
      : broken(instanceId)),
  );
}

/** @param {string} instanceId */
function shortName(instanceId) {
  return commonPrefix !== '' && instanceId.startsWith(commonPrefix)
    ? `…${instanceId.slice(commonPrefix.length)}`
    : instanceId;
}

/** @param {string} instanceId */
function instanceTag(instanceId) {
  return element(
    'span',
    { class: 'instance' },
    swatch(instanceId),
    instanceName(instanceId),
  );
}

/**
 * What opens and closes the details of a row.
 *
 * @param {string} key
 * @param {string} label
 */
function discloseButton(key, label) {
  const isOpen = isDisclosed(key);
  return element(
    'button',
    {
      type: 'button',
      class: 'disclose',
      'data-key': `disclose ${key}`,
      'aria-expanded': String(isOpen),
      'aria-label': label,
      click: () => toggle(key),
    },
    isOpen ? '▾' : '▸',
  );
}

/**
 * @param {(string | false)[]} titles
 * @returns {HTMLElement}
 */
function tableHead(titles) {
  return element(
    'thead',
    {},
    element(
      'tr',
      {},
      ...titles.map(
        (title) => title !== false && element('th', { scope: 'col' }, title),
      ),
    ),
  );
}

/** What is not known is not nothing. */
function unknown() {
  return element(
    'span',
    { class: 'empty', title: 'not known to this instance' },
    '—',
  );
}
