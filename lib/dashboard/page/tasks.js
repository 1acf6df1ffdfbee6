/**
 * @typedef {'finished' | 'failed' | 'aborted' | 'interrupted' | 'running' | 'none'} Outcome
 * @typedef {{ tick?: string, attempt: number, instanceId: string,
 *   fencingToken: number, startedAt: string, durationMs?: number,
 *   outcome: Outcome, error?: string, isManual?: boolean }} Run
 * @typedef {{ task: string, election?: string, schedule?: string,
 *   nextTick?: string, isKnownHere: boolean,
 *   runsAreFrom: 'ledger' | 'this instance' | 'nowhere', runs: Run[],
 *   ticksWithoutRun: string[], problem?: string,
 *   ownCounts?: { finished: number, failed: number, skipped: number,
 *     missed: number, running: number } }} Task
 */

/** What an outcome is called, and shown with besides its colour. */
const OUTCOMES = {
  finished: { name: 'finished', mark: '' },
  failed: { name: 'failed', mark: '×' },
  aborted: { name: 'aborted: leadership ended', mark: '!' },
  interrupted: { name: 'interrupted: never ended', mark: '?' },
  running: { name: 'running', mark: '•' },
  none: { name: 'no run of that tick', mark: '–' },
};

const MOST_CELLS = 20;

/** Names of the tasks whose runs are shown one by one. */
const disclosed = new Set();

function outcomeLegend() {
  return Object.entries(OUTCOMES).map(([outcome, { name, mark }]) =>
    element(
      'span',
      {},
      element('i', { class: outcome, 'aria-hidden': 'true' }, mark),
      name,
    ),
  );
}

/**
 * @param {Task[]} tasks
 * @param {boolean} hasActions
 * @param {() => void} redraw
 */
function taskTable(tasks, hasActions, redraw) {
  const titles = [
    'Task',
    'Next tick',
    'Last runs',
    'Last run',
    'Without a run',
  ];
  return element(
    'table',
    { class: 'tasks' },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        ...titles.map((title) => element('th', { scope: 'col' }, title)),
        hasActions &&
          element(
            'th',
            { scope: 'col' },
            element('span', { class: 'quiet' }, 'Actions'),
          ),
      ),
    ),
    element(
      'tbody',
      {},
      ...tasks.flatMap((task) => taskRows(task, hasActions, redraw)),
    ),
  );
}

/**
 * @param {Task} task
 * @param {boolean} hasActions
 * @param {() => void} redraw
 */
function taskRows(task, hasActions, redraw) {
  const isOpen = disclosed.has(task.task);
  const last = task.runs[0];
  const toggle = () => {
    if (!disclosed.delete(task.task)) {
      disclosed.add(task.task);
    }
    redraw();
  };
  const row = element(
    'tr',
    { 'data-task': task.task, 'data-key': `task ${task.task}` },
    element(
      'td',
      { class: 'main' },
      element(
        'div',
        { class: 'title' },
        element(
          'button',
          {
            type: 'button',
            class: 'disclose',
            'data-key': `disclose ${task.task}`,
            'aria-expanded': String(isOpen),
            'aria-label': `Runs of ${task.task}`,
            click: toggle,
          },
          isOpen ? '▾' : '▸',
        ),
        element('span', { class: 'name' }, task.task),
        task.runsAreFrom === 'this instance' &&
          element(
            'span',
            {
              class: 'badge',
              title:
                'It has no run ledger: only the runs of this instance are known',
            },
            'this instance only',
          ),
      ),
      element('div', { class: 'under' }, underTitle(task)),
      task.problem && element('div', { class: 'outcome failed' }, task.problem),
    ),
    element(
      'td',
      { 'data-label': 'Next tick', class: 'number' },
      task.nextTick ? livingTime(task.nextTick, 'until') : '',
    ),
    element('td', { 'data-label': 'Last runs' }, runStrip(task)),
    element(
      'td',
      { 'data-label': 'Last run', class: 'last' },
      last ? lastRun(last) : element('span', { class: 'empty' }, 'none known'),
    ),
    element(
      'td',
      { 'data-label': 'Without a run', class: 'number' },
      withoutRun(task),
    ),
    hasActions &&
      element('td', { 'data-label': '' }, task.isKnownHere && runButton(task)),
  );
  return isOpen ? [row, runDetails(task, hasActions ? 6 : 5)] : [row];
}

/** @param {Task} task */
function underTitle({ schedule, election, isKnownHere }) {
  if (!isKnownHere) {
    return 'a task that this instance does not have';
  }
  return [schedule ?? 'no schedule known', election && `election ${election}`]
    .filter(Boolean)
    .join(' · ');
}

/** @param {Run} run */
function lastRun({ outcome, durationMs, instanceId, startedAt }) {
  return element(
    'span',
    {},
    element('span', { class: `outcome ${outcome}` }, outcome),
    durationMs === undefined ? '' : ` in ${durationText(durationMs)}`,
    element(
      'span',
      { class: 'under' },
      ` on ${instanceId}, `,
      livingTime(startedAt, 'since'),
      ' ago',
    ),
  );
}

/** @param {Task} task */
function withoutRun({ ticksWithoutRun, ownCounts }) {
  const { length } = ticksWithoutRun;
  const missed = ownCounts?.missed ?? 0;
  if (length === 0 && missed === 0) {
    return element('span', { class: 'empty' }, '0');
  }
  const count = length >= 500 ? `${length} or more` : String(length);
  return element(
    'span',
    {
      class: 'outcome none',
      title: ticksWithoutRun.slice(-5).map(clockText).join(', '),
    },
    count,
    missed > 0 ? ` (${missed} found missed here)` : '',
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
    ...ticksWithoutRun.map((tick) => ({
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

/**
 * @param {Task} task
 * @param {number} columns
 */
function runDetails({ task, runs }, columns) {
  return element(
    'tr',
    { class: 'details', 'data-key': `details ${task}` },
    element(
      'td',
      { colspan: columns },
      element(
        'div',
        {
          class: 'scroll',
          tabindex: '0',
          role: 'region',
          'aria-label': `Runs of ${task}`,
        },
        element(
          'table',
          {},
          element(
            'thead',
            {},
            element(
              'tr',
              {},
              ...[
                'Tick',
                'Outcome',
                'Duration',
                'Instance',
                'Attempt',
                'Fencing token',
              ].map((title) => element('th', { scope: 'col' }, title)),
            ),
          ),
          element(
            'tbody',
            {},
            ...runs.map((run) =>
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
                    run.outcome,
                  ),
                  run.isManual ? ' (by hand)' : '',
                  run.error
                    ? element('div', { class: 'error' }, run.error)
                    : '',
                ),
                element(
                  'td',
                  { class: 'number' },
                  run.durationMs === undefined
                    ? ''
                    : durationText(run.durationMs),
                ),
                element('td', {}, run.instanceId),
                element('td', { class: 'number' }, run.attempt),
                element('td', { class: 'number mono' }, run.fencingToken),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

/** @param {Task} task */
function runButton({ task }) {
  return element(
    'button',
    {
      type: 'button',
      'data-key': `run ${task}`,
      'aria-label': `Run ${task} now`,
      click: () =>
        void act({
          title: `Run ${task} now?`,
          text: 'It runs once, on the instance that serves this page, whoever leads, and without an entry in its ledger.',
          yes: 'Run it',
          action: 'run-task',
          query: { task },
        }),
    },
    'Run now',
  );
}
