/** What an outcome is called, and shown with besides its colour. */
const OUTCOMES = {
  finished: { name: 'finished', mark: '' },
  failed: { name: 'failed', mark: '×' },
  'timed-out': { name: 'timed out', mark: '×' },
  aborted: { name: 'aborted: leadership ended', mark: '!' },
  interrupted: { name: 'interrupted: never ended', mark: '?' },
  running: { name: 'running', mark: '•' },
  none: { name: 'no run of that tick', mark: '–' },
};

const MOST_CELLS = 20;
/** A run that takes so many times as long as usual, and this long, is slow. */
const SLOW_FACTOR = 5;
const LEAST_SLOW_MS = 10_000;

function outcomeLegend() {
  return Object.entries(OUTCOMES)
    .filter(([outcome]) => outcome !== 'timed-out')
    .map(([outcome, { name, mark }]) =>
      element(
        'span',
        {},
        element('i', { class: outcome, 'aria-hidden': 'true' }, mark),
        name,
      ),
    );
}

/** @param {Task} task */
function isSlow({ running, usualMs }) {
  if (!running || usualMs === undefined) {
    return false;
  }
  const ms = shownMs() - Date.parse(running.since);
  return ms > Math.max(LEAST_SLOW_MS, SLOW_FACTOR * usualMs);
}

/** @param {Task} task */
function lastRun(task) {
  const { running, usualMs, runs } = task;
  const usually =
    usualMs === undefined ? '' : `, usually ${durationText(usualMs)}`;
  if (running) {
    return element(
      'span',
      {},
      element(
        'span',
        { class: `outcome ${isSlow(task) ? 'aborted' : 'running'}` },
        isSlow(task) ? 'slow: running' : 'running',
      ),
      ' for ',
      livingTime(running.since, 'since'),
      usually,
      element(
        'span',
        { class: 'under' },
        ' on ',
        instanceName(running.instanceId),
      ),
    );
  }
  const [last] = runs;
  if (!last) {
    return unknown();
  }
  const { outcome, durationMs, instanceId, startedAt } = last;
  return element(
    'span',
    {},
    element(
      'span',
      { class: `outcome ${outcome}` },
      OUTCOMES[outcome]?.name.replace(/:.*/, '') ?? outcome,
    ),
    durationMs === undefined ? '' : ` in ${durationText(durationMs)}`,
    isUnusual(durationMs, usualMs) ? usually : '',
    element(
      'span',
      { class: 'under' },
      ' ',
      livingTime(startedAt, 'since'),
      ' ago on ',
      instanceName(instanceId),
    ),
  );
}

/**
 * @param {number | undefined} durationMs
 * @param {number | undefined} usualMs
 */
function isUnusual(durationMs, usualMs) {
  return (
    durationMs !== undefined &&
    usualMs !== undefined &&
    (durationMs > 2 * usualMs || durationMs < usualMs / 2)
  );
}

/** @param {Task} task */
function runStrip({ task, runs, ticksWithoutRun }) {
  /** @type {{ at: string, outcome: Outcome, text: string }[]} */
  const cells = [
    ...runs.map((run) => ({
      at: run.tick ?? run.startedAt,
      outcome: run.outcome,
      text: describeRun(run),
    })),
    ...(ticksWithoutRun ?? []).map((tick) => ({
      at: tick,
      outcome: /** @type {const} */ ('none'),
      text: `${clockText(tick)}: no run of that tick`,
    })),
  ];
  if (cells.length === 0) {
    return null;
  }
  cells.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return element(
    'ol',
    { class: 'runs', 'aria-label': `Last runs of ${task}, the newest last` },
    ...cells
      .slice(-MOST_CELLS)
      .map(({ outcome, text }) =>
        element(
          'li',
          { class: outcome, title: text },
          element(
            'span',
            { 'aria-hidden': 'true' },
            OUTCOMES[outcome]?.mark ?? '',
          ),
          element('span', { class: 'quiet' }, text),
        ),
      ),
  );
}

/** @param {Run} run */
function describeRun({
  tick,
  startedAt,
  outcome,
  durationMs,
  instanceId,
  attempt,
  isManual,
  error,
}) {
  return [
    clockText(tick ?? startedAt),
    ': ',
    outcome,
    durationMs === undefined ? '' : ` in ${durationText(durationMs)}`,
    ` on ${instanceId}`,
    attempt > 1 ? `, attempt ${attempt}` : '',
    isManual ? ', by hand' : '',
    error ? `: ${error}` : '',
  ].join('');
}

/** @param {Run[]} runs */
function runTable(runs) {
  if (runs.length === 0) {
    return element('p', { class: 'empty' }, 'No runs are known.');
  }
  return element(
    'table',
    {},
    tableHead([
      'Tick',
      'Outcome',
      'Duration',
      'Instance',
      'Attempt',
      'Fencing token',
    ]),
    element(
      'tbody',
      {},
      ...runs.map((run, index) =>
        element(
          'tr',
          {},
          element(
            'td',
            { class: 'number' },
            clockText(run.tick ?? run.startedAt),
          ),
          element(
            'td',
            {},
            element(
              'span',
              { class: `outcome ${run.outcome}` },
              OUTCOMES[run.outcome]?.name.replace(/:.*/, '') ?? run.outcome,
            ),
            run.isManual ? ' (by hand)' : '',
            run.requestedBy ? ` (for ${run.requestedBy})` : '',
            run.error
              ? element(
                  'div',
                  { class: 'error', title: run.error },
                  index > 0 && runs[index - 1]?.error === run.error
                    ? 'the same error'
                    : run.error,
                )
              : '',
          ),
          element(
            'td',
            { class: 'number' },
            run.durationMs === undefined
              ? unknown()
              : durationText(run.durationMs),
          ),
          element('td', {}, instanceName(run.instanceId)),
          element('td', { class: 'number' }, run.attempt),
          element('td', { class: 'number mono' }, run.fencingToken),
        ),
      ),
    ),
  );
}
