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

/** By the order in which they were seen first, so that it does not change. */
const colours = new Map();

/**
 * The colour of an instance.
 *
 * @param {string} instanceId
 */
function colourOf(instanceId) {
  if (!colours.has(instanceId)) {
    colours.set(instanceId, `var(--c${colours.size % 8})`);
  }
  return colours.get(instanceId);
}

/** @param {string} instanceId */
function swatch(instanceId) {
  const node = element('span', { class: 'swatch', 'aria-hidden': 'true' });
  node.style.background = colourOf(instanceId);
  return node;
}
