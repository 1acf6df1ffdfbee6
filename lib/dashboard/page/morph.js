/** @typedef {string | number | Node | null | undefined | false} Child */

/**
 * What is built only if it has changed since it was drawn last.
 *
 * @type {WeakMap<Node, { version: readonly unknown[], build: () => Element }>}
 */
const lazies = new WeakMap();
/** Of what has been drawn. @type {WeakMap<Node, readonly unknown[]>} */
const drawnVersions = new WeakMap();

/**
 * A child that has to be built only where `version` differs from that of the one
 * that stands there.
 *
 * @param {string} tag
 * @param {string} key
 * @param {readonly unknown[]} version
 * @param {() => Element} build
 */
function lazily(tag, key, version, build) {
  const placeholder = document.createElement(tag);
  placeholder.dataset.key = key;
  lazies.set(placeholder, { version, build });
  return placeholder;
}

/**
 * Has an element show other children. What stands there already is kept and
 * changed, not replaced: what is in focus, pressed, selected or scrolled stays so.
 *
 * @param {Element} node
 * @param {Child[]} children
 */
function replaceChildren(node, children) {
  const wanted = document.createElement('div');
  append(wanted, children);
  morphChildren(node, wanted);
}

/**
 * Children that have a key are found again by it, wherever they stand, and all
 * others by their place.
 *
 * @param {Element} node
 * @param {Element} wanted
 */
function morphChildren(node, wanted) {
  const fresh = [...wanted.childNodes];
  const wantedKeys = new Set(fresh.map(keyOf));
  /** @type {Map<string, ChildNode>} */
  const keyed = new Map();
  for (const child of [...node.childNodes]) {
    const key = keyOf(child);
    if (key === undefined) {
      continue;
    }
    if (wantedKeys.has(key)) {
      keyed.set(key, child);
    } else {
      child.remove();
    }
  }
  let next = node.firstChild;
  for (const child of fresh) {
    const key = keyOf(child);
    const lazy = lazies.get(child);
    const former = key === undefined ? next : keyed.get(key);
    if (!former || !isAlike(former, child)) {
      const built = lazy ? lazy.build() : child;
      node.insertBefore(built, next);
      noteDrawn(built, lazy?.version);
      continue;
    }
    if (former === next) {
      next = next.nextSibling;
    } else {
      node.insertBefore(former, next);
    }
    if (lazy && isDrawn(former, lazy.version)) {
      continue;
    }
    morph(former, lazy ? lazy.build() : child);
    noteDrawn(former, lazy?.version);
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

/**
 * @param {Node} node
 * @param {Node} wanted
 */
function morph(node, wanted) {
  if (!(node instanceof Element && wanted instanceof Element)) {
    if (node.nodeValue !== wanted.nodeValue) {
      node.nodeValue = wanted.nodeValue;
    }
    return;
  }
  // The reader decides what is open.
  const names = new Set(
    [...node.getAttributeNames(), ...wanted.getAttributeNames()].filter(
      (name) => name !== 'style' && name !== 'open',
    ),
  );
  for (const name of names) {
    const value = wanted.getAttribute(name);
    if (value === null) {
      node.removeAttribute(name);
    } else if (node.getAttribute(name) !== value) {
      node.setAttribute(name, value);
    }
  }
  const click = clicks.get(wanted);
  if (click) {
    clicks.set(node, click);
  } else {
    clicks.delete(node);
  }
  const { style } = /** @type {HTMLElement} */ (wanted);
  const former = /** @type {HTMLElement} */ (node);
  // The attribute is what a Content-Security-Policy forbids.
  if (former.style.cssText !== style.cssText) {
    former.style.cssText = style.cssText;
  }
  morphChildren(node, wanted);
}

/** @param {Node} node */
function keyOf(node) {
  return node instanceof HTMLElement ? node.dataset.key : undefined;
}

/**
 * @param {Node} node
 * @param {Node} other
 */
function isAlike(node, other) {
  return node.nodeName === other.nodeName && keyOf(node) === keyOf(other);
}

/**
 * @param {Node} node
 * @param {readonly unknown[] | undefined} version
 */
function noteDrawn(node, version) {
  if (version) {
    drawnVersions.set(node, version);
  }
}

/**
 * @param {Node} node
 * @param {readonly unknown[]} version
 */
function isDrawn(node, version) {
  const drawn = drawnVersions.get(node);
  return drawn?.every((each, index) => each === version[index]) === true;
}
