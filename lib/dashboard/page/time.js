/** When what is shown was true; undefined while that is now. @type {number | undefined} */
let shownAsOfMs;

/** @param {number | undefined} ms undefined: what is shown is true now */
function setShownAsOf(ms) {
  shownAsOfMs = ms;
}

/** The time that the shown data stands for: it does not advance while they are old. */
function shownMs() {
  return shownAsOfMs ?? Date.now();
}

/** @param {number} ms */
function durationText(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 1) {
    return `${Math.round(ms)} ms`;
  }
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  }
  return spanText(ms);
}

/**
 * Without fractions, for what goes on.
 *
 * @param {number} ms
 */
function spanText(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) {
    return `${days} d ${hours % 24} h`;
  }
  if (hours > 0) {
    return `${hours} h ${minutes % 60} min`;
  }
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

/** @param {string | number | Date} time */
function clockText(time) {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday
    ? date.toLocaleTimeString()
    : `${date.toLocaleDateString()} ${date.toLocaleTimeString()}`;
}

/**
 * A time that goes on being true: "3 min" or "in 12 s".
 *
 * @param {string} time
 * @param {'since' | 'until'} kind
 */
function livingTime(time, kind) {
  const node = element('time', {
    datetime: time,
    title: new Date(time).toLocaleString(),
    'data-kind': kind,
  });
  updateTime(node);
  return node;
}

/** @param {HTMLTimeElement} node */
function updateTime(node) {
  const ms = Date.parse(node.dateTime) - shownMs();
  const text =
    node.dataset.kind === 'since'
      ? spanText(-ms)
      : ms > 0
        ? `in ${spanText(ms + 999)}`
        : ms > -LONGEST_NOW_MS
          ? 'now'
          : `${spanText(-ms)} ago`;
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** A tick is "now" for so long; then it has passed, and nothing newer is known. */
const LONGEST_NOW_MS = 5000;

setInterval(() => {
  for (const node of document.querySelectorAll('time[data-kind]')) {
    updateTime(/** @type {HTMLTimeElement} */ (node));
  }
}, 1000);
