/**
 * @typedef {'finished' | 'failed' | 'aborted' | 'interrupted' | 'timed-out' | 'running' | 'none'} Outcome
 * @typedef {{ tick?: string, attempt: number, instanceId: string,
 *   fencingToken: number, startedAt: string, durationMs?: number,
 *   outcome: Outcome, error?: string, isManual?: boolean,
 *   requestedBy?: string }} Run
 * @typedef {{ by: string, at: string, reason?: string }} Pause
 * @typedef {{ task: string, election?: string,
 *   schedule?: { words: string, expression?: string, timeZone?: string },
 *   nextTick?: string, isKnownHere: boolean,
 *   runsAreFrom: 'ledger' | 'this instance' | 'nowhere', runs: Run[],
 *   isFailing: boolean, failedInARow: number, error?: string,
 *   lastSuccess?: string, running?: { since: string, instanceId: string },
 *   usualMs?: number, ticksWithoutRun: string[] | null, problem?: string,
 *   pause?: Pause,
 *   ownCounts?: { finished: number, failed: number, skipped: number,
 *     missed: number, running: number } }} Task
 */

/** @param {Task} task */
function missedCount({ ticksWithoutRun, ownCounts }) {
  return Math.max(ticksWithoutRun?.length ?? 0, ownCounts?.missed ?? 0);
}

/** By which tasks can be chosen. @type {[string, string, (task: Task) => boolean][]} */
const TASK_FILTERS = [
  ['all', 'All', () => true],
  ['failing', 'Failing', ({ isFailing }) => isFailing],
  ['running', 'Running', ({ running }) => running !== undefined],
  ['missed', 'Missed', (task) => missedCount(task) > 0],
  ['paused', 'Paused', ({ pause }) => pause !== undefined],
];

/**
 * Those that are looked for; what is wrong first.
 *
 * @param {Task[]} tasks
 */
function chosenTasks(tasks) {
  const [, , isChosen = () => true] =
    TASK_FILTERS.find(([name]) => name === view.show) ?? [];
  /** @param {Task} task */
  const rank = (task) =>
    task.isFailing ? 0 : isSlow(task) ? 1 : missedCount(task) > 0 ? 2 : 3;
  return tasks
    .filter((task) => isChosen(task) && matches(task.task, task.election))
    .toSorted((a, b) => rank(a) - rank(b));
}

/** @param {Task[]} tasks */
function taskFilters(tasks) {
  return filterChoice(
    TASK_FILTERS.map(([name, title, isChosen]) => ({
      name,
      title,
      count: tasks.filter(isChosen).length,
    })),
  );
}

/**
 * @param {Task[]} tasks
 * @param {boolean} hasActions
 * @param {string[]} leaderless elections
 */
function taskTable(tasks, hasActions, leaderless) {
  return element(
    'table',
    { class: 'list tasks' },
    tableHead(['Task', 'Last runs', 'Last run', 'Last success', 'Next tick']),
    element(
      'tbody',
      {},
      ...tasks.flatMap((task) =>
        taskRows(task, hasActions, leaderless.includes(task.election ?? '')),
      ),
    ),
  );
}

/**
 * @param {Task} task
 * @param {boolean} hasActions
 * @param {boolean} isLeaderless
 */
function taskRows(task, hasActions, isLeaderless) {
  const key = `task ${task.task}`;
  const flags = [
    task,
    hasActions,
    isDisclosed(key),
    commonPrefix,
    isStale(),
    isSlow(task),
    isLeaderless,
  ];
  const row = lazily('tr', key, flags, () => taskRow(task, key, isLeaderless));
  return isDisclosed(key)
    ? [
        row,
        lazily('tr', `details ${key}`, flags, () =>
          taskDetails(task, key, hasActions),
        ),
      ]
    : [row];
}

/**
 * @param {Task} task
 * @param {string} key
 * @param {boolean} isLeaderless
 */
function taskRow(task, key, isLeaderless) {
  return element(
    'tr',
    {
      class: task.isFailing ? 'trouble' : isSlow(task) ? 'odd' : '',
      'data-task': task.task,
      'data-key': key,
    },
    element(
      'td',
      { class: 'main' },
      element(
        'div',
        { class: 'title' },
        discloseButton(key, `Runs of ${task.task}`),
        element('span', { class: 'name' }, ...broken(task.task)),
      ),
      element('div', { class: 'under' }, ...underTitle(task)),
      task.isFailing && troubleLine(task),
    ),
    element('td', { 'data-label': 'Last runs' }, runStrip(task) ?? unknown()),
    element('td', { 'data-label': 'Last run', class: 'last' }, lastRun(task)),
    element(
      'td',
      { 'data-label': 'Last success', class: 'number' },
      task.lastSuccess
        ? element('span', {}, livingTime(task.lastSuccess, 'since'), ' ago')
        : task.runs.length > 0
          ? 'none known'
          : unknown(),
    ),
    element(
      'td',
      { 'data-label': 'Next tick', class: 'number' },
      nextTick(task, isLeaderless),
    ),
  );
}

/**
 * @param {Task} task
 * @param {boolean} isLeaderless
 */
function nextTick({ pause, nextTick: tick }, isLeaderless) {
  if (pause) {
    return 'paused';
  }
  if (!tick || isStale()) {
    return unknown();
  }
  return element(
    'span',
    {},
    livingTime(tick, 'until'),
    isLeaderless &&
      element('span', { class: 'outcome none' }, ', but nobody leads'),
  );
}

/**
 * @param {Task} task
 * @returns {Child[]}
 */
function underTitle(task) {
  const { schedule, election, isKnownHere, pause, runsAreFrom } = task;
  if (!isKnownHere) {
    return ['a task that this instance does not have'];
  }
  const missed = missedCount(task);
  const text = [
    schedule ? schedule.words : 'no schedule known',
    election && election !== 'default' && `election ${election}`,
    runsAreFrom === 'this instance' && 'runs of this instance only',
  ]
    .filter(Boolean)
    .join(' · ');
  const exact = [schedule?.expression, schedule?.timeZone].filter(Boolean);
  return [
    element('span', { title: exact.join(', ') || undefined }, text),
    missed > 0 &&
      element(
        'span',
        { class: 'outcome none', title: missedTitle(task) },
        ` · ${counted(missed, 'tick')} missed`,
      ),
    pause &&
      element(
        'span',
        { class: 'outcome aborted' },
        ` · paused by ${pause.by} since ${clockText(pause.at)}${pause.reason ? `: ${pause.reason}` : ''}`,
      ),
  ];
}

/** @param {Task} task */
function missedTitle({ ticksWithoutRun, ownCounts }) {
  return ticksWithoutRun && ticksWithoutRun.length > 0
    ? `No run of ${ticksWithoutRun.slice(-5).map(clockText).join(', ')}`
    : `${ownCounts?.missed} found missed by this instance since its start`;
}

/** Why it fails, and how often. @param {Task} task */
function troubleLine({ failedInARow, error, problem, runs }) {
  const times =
    problem !== undefined
      ? 'Its ledger cannot be read: '
      : failedInARow === runs.length && failedInARow > 1
        ? `Failed ${failedInARow} times of ${failedInARow}: `
        : failedInARow > 1
          ? `Failed ${failedInARow} times in a row: `
          : 'Failed: ';
  return element(
    'div',
    { class: 'why', title: error },
    element('strong', {}, times),
    error ?? 'without a message',
  );
}

/**
 * @param {Task} task
 * @param {string} key
 * @param {boolean} hasActions
 */
function taskDetails(task, key, hasActions) {
  return element(
    'tr',
    { class: 'details', 'data-key': `details ${key}` },
    element(
      'td',
      { colspan: 5 },
      hasActions && task.isKnownHere && taskButtons(task),
      element(
        'div',
        {
          class: 'scroll',
          tabindex: '0',
          role: 'region',
          'aria-label': `Runs of ${task.task}`,
        },
        runTable(task.runs),
      ),
    ),
  );
}

/** @param {Task} task */
function taskButtons({ task, election, pause }) {
  const instance = about()?.instanceId ?? '';
  return element(
    'div',
    { class: 'buttons' },
    actionButton({
      key: `run ${task}`,
      label: 'Run now',
      title: `Run ${task} now?`,
      text: `The leader of ${election} runs it once, now, and its history says that you asked. Nothing happens if it is paused, switched off, or running and not to overlap.`,
      yes: 'Run it',
      action: 'run-task',
      query: { task },
      isStrong: true,
    }),
    pause
      ? actionButton({
          key: `resume ${task}`,
          label: 'Resume',
          title: `Resume ${task}?`,
          text: `It was paused by ${pause.by}. It runs again from its next tick; ticks that passed meanwhile are left out.`,
          yes: 'Resume it',
          action: 'resume-task',
          query: { task },
        })
      : actionButton({
          key: `pause ${task}`,
          label: 'Pause',
          title: `Pause ${task}?`,
          text: 'No instance runs it until somebody resumes it, also after a restart. A run that goes on is not interrupted. Ticks that pass meanwhile are left out.',
          yes: 'Pause it',
          action: 'pause-task',
          query: { task },
          asks: 'Reason (optional)',
        }),
    pause &&
      actionButton({
        key: `catch-up ${task}`,
        label: 'Resume and catch up',
        title: `Resume ${task} and catch up?`,
        text: `It was paused by ${pause.by}. Ticks that passed meanwhile count as missed: its option missedTicks says which of them are run now.`,
        yes: 'Resume it',
        action: 'resume-task',
        query: { task, catchUp: 'yes' },
      }),
    actionButton({
      key: `run-here ${task}`,
      label: 'Run on this instance',
      title: `Run ${task} on ${instance}?`,
      text: `It runs once on ${instance}, which may not be the leader, and without an entry in its ledger. A run that the leader begins meanwhile is not kept from running at the same time.`,
      yes: 'Run it here',
      action: 'run-here',
      query: { task, instance },
    }),
  );
}
