/** @typedef {string | number | Node | null | undefined | false} Child */

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
    const former = key === undefined ? next : keyed.get(key);
    if (!former || !isAlike(former, child)) {
      node.insertBefore(child, next);
      continue;
    }
    if (former === next) {
      next = next.nextSibling;
    } else {
      node.insertBefore(former, next);
    }
    morph(former, child);
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
  // Whether something is open is up to whoever looks at it.
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
