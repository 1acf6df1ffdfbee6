/** Where the page is, without a slash at the end. */
const base = location.pathname.replace(/\/+$/, '');

/**
 * @typedef {{ key: string, label: string, title: string, text: string,
 *   yes: string, action: string, query: Record<string, string>,
 *   isStrong?: boolean, asks?: string }} Action
 * `asks`: a question whose answer is sent as the parameter reason
 */

/**
 * A button that asks before it does anything.
 *
 * @param {Action} action
 */
function actionButton(action) {
  return element(
    'button',
    {
      type: 'button',
      class: action.isStrong ? 'strong' : undefined,
      'data-key': action.key,
      disabled: isStale(),
      title: isStale()
        ? 'What is shown is old: nothing can be done'
        : undefined,
      click: () => isStale() || void act(action),
    },
    action.label,
  );
}

/**
 * Asks whether it is meant, and has it done.
 *
 * @param {Action} action
 */
async function act({ title, text, yes, action, query, asks }) {
  const reason = /** @type {HTMLInputElement} */ (byId('confirm-reason'));
  reason.value = '';
  byId('confirm-asks').hidden = asks === undefined;
  if (!(await isConfirmed(title, text, yes))) {
    return;
  }
  tell('Working …');
  try {
    const parameters = new URLSearchParams(query);
    if (asks !== undefined && reason.value.trim() !== '') {
      parameters.set('reason', reason.value.trim());
    }
    const response = await fetch(`${base}/api/${action}?${parameters}`, {
      method: 'POST',
      headers: { 'X-Leadership-Action': 'yes' },
      redirect: 'manual',
    });
    if (isLoginExpired(response)) {
      tell(
        'Nothing was done: you are not logged in any more, or may not do this. Load the page again.',
      );
      return;
    }
    /** @type {{ message?: unknown }} */
    const answer = await response.json().catch(() => ({}));
    const message =
      typeof answer.message === 'string'
        ? answer.message
        : `The answer was ${response.status}.`;
    tell(response.ok ? message : `Nothing was done: ${message}`);
  } catch {
    tell('The instance that serves this page did not answer.');
  }
}

/** @param {Response} response */
function isLoginExpired({ status, type }) {
  return status === 401 || status === 403 || type === 'opaqueredirect';
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
