/** Where the page is, without a slash at the end. */
const base = location.pathname.replace(/\/+$/, '');

/**
 * Asks whether it is meant, and has it done.
 *
 * @param {{ title: string, text: string, yes: string, action: string,
 *   query: Record<string, string> }} question
 */
async function act({ title, text, yes, action, query }) {
  if (!(await isConfirmed(title, text, yes))) {
    return;
  }
  tell('');
  try {
    const parameters = new URLSearchParams(query);
    const response = await fetch(`${base}/api/${action}?${parameters}`, {
      method: 'POST',
      headers: { 'X-Leadership-Action': 'yes' },
    });
    /** @type {{ message?: unknown }} */
    const answer = await response.json().catch(() => ({}));
    tell(
      typeof answer.message === 'string'
        ? answer.message
        : `The answer was ${response.status}.`,
    );
  } catch {
    tell('The instance that serves this page did not answer.');
  }
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
function isConfirmed(title, text, yes) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('confirm'));
  byId('confirm-title').textContent = title;
  byId('confirm-text').textContent = text;
  byId('confirm-yes').textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => resolve(dialog.returnValue === 'yes'),
      { once: true },
    );
  });
}

/** @param {string} text what became of an action; empty: nothing to tell */
function tell(text) {
  const notice = byId('notice');
  notice.textContent = text;
  notice.hidden = text === '';
}
