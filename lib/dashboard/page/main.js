/**
 * @typedef {{ instanceId: string, version: string, basePath: string | null,
 *   connection: string, connectionSince?: string, asOf?: string,
 *   connectionProblem?: string, historySince: string, hasActions: boolean,
 *   isComplete: boolean, isTruncated: boolean, problem?: string,
 *   problems: string[] }} About
 * @typedef {{ isWhole: boolean, parts: Record<string, unknown> }} Message
 */

/** What has been told so far. @type {Map<string, unknown>} */
const parts = new Map();
/** Leaders that have been announced. @type {Map<string, string>} */
const announced = new Map();
/** "shard-2" stands before "shard-10". */
const byName = new Intl.Collator('en', { numeric: true });
const RECONNECT_MS = 2000;
/** The instance tells every 5 s that it is there. */
const LONGEST_SILENCE_MS = 12_000;
const DRAW_MS = 150;
/** Of each list, until somebody wants to see all of it. */
const MOST_SHOWN = {
  elections: 8,
  partitions: 8,
  terms: 8,
  tasks: 60,
  audit: 10,
};
let heardAtMs = 0;
let isLive = false;
let isLoggedOut = false;
/** Lists that are shown to their end. @type {Set<string>} */
const shownWhole = new Set();

/** @returns {About | undefined} */
function about() {
  return /** @type {About | undefined} */ (parts.get('about'));
}

/** Whether what is shown may not be true any more. */
function isStale() {
  return !isLive || about()?.asOf !== undefined || isLoggedOut;
}

/**
 * @template T
 * @param {string} prefix
 * @returns {T[]}
 */
function partsOf(prefix) {
  return [...parts]
    .filter(([key]) => key.startsWith(prefix))
    .toSorted(([a], [b]) => byName.compare(a, b))
    .map(([, part]) => /** @type {T} */ (part));
}

/**
 * The first of a list, and a button for the rest; all of it where somebody
 * searches.
 *
 * @template T
 * @param {keyof typeof MOST_SHOWN} list
 * @param {T[]} all
 * @returns {[T[], HTMLElement | false]}
 */
function firstOf(list, all) {
  const most =
    shownWhole.has(list) || view.q !== '' ? all.length : MOST_SHOWN[list];
  return [
    all.slice(0, most),
    all.length > most &&
      element(
        'button',
        {
          type: 'button',
          class: 'more',
          'data-key': `all ${list}`,
          click: () => {
            shownWhole.add(list);
            draw();
          },
        },
        `Show all ${all.length}`,
      ),
  ];
}

/** @param {Message} message */
function receive({ isWhole, parts: changed }) {
  if (isWhole) {
    parts.clear();
  }
  for (const [key, part] of Object.entries(changed)) {
    if (part === null) {
      parts.delete(key);
    } else {
      parts.set(key, part);
    }
  }
  redraw();
}

function draw() {
  const known = about();
  const asOf = known?.asOf ?? known?.connectionSince;
  setShownAsOf(
    !isStale()
      ? undefined
      : isLive && asOf
        ? Date.parse(asOf)
        : heardAtMs || Date.now(),
  );
  document.body.dataset.stale = isStale() && known ? 'yes' : 'no';
  /** @type {Election[]} */
  const elections = partsOf('election:');
  const instances = /** @type {Instance[]} */ (parts.get('instances') ?? []);
  const left = /** @type {LeftInstance[]} */ (parts.get('left') ?? []);
  /** @type {PartitionGroup[]} */
  const groups = partsOf('partitions:');
  learnNames([
    ...instances.map(({ instanceId }) => instanceId),
    ...left.map(({ instanceId }) => instanceId),
    ...elections.flatMap(({ participants }) =>
      participants.map(({ instanceId }) => instanceId),
    ),
    ...groups.flatMap(({ members }) =>
      members.map(({ instanceId }) => instanceId),
    ),
  ]);
  drawVerdict(known);
  drawElections(elections, known);
  drawPartitions(groups, known);
  drawTimeline(elections, known);
  drawTasks(known);
  drawInstances(instances, left, elections, groups, known);
  drawAudit();
}

/** @param {About | undefined} known */
function drawVerdict(known) {
  const verdict = /** @type {Verdict | undefined} */ (parts.get('verdict'));
  const status = byId('status');
  const problems = verdict ? problemCount(verdict) : 0;
  const isKnown = known?.isComplete && verdict;
  const isWell = problems === 0 && (known?.problems.length ?? 0) === 0;
  status.dataset.state =
    !isKnown || isStale() ? 'unknown' : isWell ? 'good' : 'bad';
  replaceChildren(
    byId('status-text'),
    isKnown
      ? [isStale() && 'Last known: ', ...verdictLinks(verdict)]
      : [known ? 'Nothing is known yet' : 'Connecting'],
  );
  document.title =
    isKnown && problems > 0 && !isStale()
      ? `${counted(problems, 'problem')} · Leadership`
      : 'Leadership';
  replaceChildren(byId('trouble'), troubles(known));
  replaceChildren(byId('as-of'), [known && isStale() && asOfText()]);
  byId('about').textContent = known
    ? [
        `seen from ${known.instanceId}`,
        known.basePath ?? 'without ZooKeeper',
        `version ${known.version}`,
        known.isTruncated && 'there is more than is shown',
      ]
        .filter(Boolean)
        .join(' · ')
    : '';
}

/**
 * What keeps this page from telling the truth, and what is wrong with the
 * instance that serves it.
 *
 * @param {About | undefined} known
 */
function troubles(known) {
  const lines = [];
  if (isLoggedOut) {
    lines.push([
      'You are not logged in any more, or may not see this page. ',
      element('a', { href: location.pathname }, 'Load the page again'),
      ' to log in.',
    ]);
  } else if (!isLive) {
    lines.push([
      known
        ? `${known.instanceId}, which serves this page, does not answer.`
        : 'The instance that serves this page does not answer.',
    ]);
  } else if (known && known.asOf !== undefined) {
    const reason = known.connectionProblem;
    lines.push([
      `${known.instanceId} has no connection to ZooKeeper since ${clockText(known.asOf)}${reason ? ` (${reason.replace(/[.\s]+$/, '')})` : ''}.`,
    ]);
  } else if (known && !known.isComplete && known.connection !== 'connected') {
    const reason = known.connectionProblem;
    lines.push([
      `${known.instanceId} has had no connection to ZooKeeper yet${reason ? ` (${reason.replace(/[.\s]+$/, '')})` : ''}.`,
    ]);
  }
  if (isLive && known?.problem !== undefined) {
    lines.push([known.problem]);
  }
  if (isLive) {
    lines.push(
      ...(known?.problems ?? []).map((text) => [
        `${known?.instanceId}: ${text}.`.replace(/\.\.$/, '.'),
      ]),
    );
  }
  return lines.map((line) => element('p', {}, ...line));
}

/** Beside what is announced: it changes every second. */
function asOfText() {
  const asOfMs = shownMs();
  return element(
    'p',
    {},
    `What you see is as of ${clockText(asOfMs)}, `,
    spanText(Date.now() - asOfMs),
    ' ago. Nothing can be done until it is up to date.',
  );
}

/**
 * @param {Election[]} elections
 * @param {About | undefined} known
 */
function drawElections(elections, known) {
  const [shown, more] = firstOf('elections', sortedElections(elections));
  replaceChildren(byId('election-list'), [
    shown.length > 0
      ? electionTable(shown, known?.hasActions === true)
      : emptyText(elections.length, 'No elections yet.', known),
    more,
  ]);
  const news = [];
  for (const { election, leader } of elections) {
    const id = leader?.instanceId ?? '';
    const former = announced.get(election);
    if (former !== undefined && former !== id) {
      news.push(
        leader ? `${id} leads ${election}.` : `Nobody leads ${election}.`,
      );
    }
    announced.set(election, id);
  }
  if (news.length > 0) {
    byId('news').textContent = news.join(' ');
  }
}

/**
 * @param {PartitionGroup[]} groups
 * @param {About | undefined} known
 */
function drawPartitions(groups, known) {
  const [shown, more] = firstOf('partitions', sortedGroups(groups));
  byId('partitions-section').hidden = groups.length === 0;
  replaceChildren(byId('partition-list'), [
    shown.length > 0
      ? partitionTable(shown)
      : emptyText(groups.length, 'No partitions.', known),
    more,
  ]);
}

/**
 * @param {number} count of those that there are
 * @param {string} text
 * @param {About | undefined} known
 */
function emptyText(count, text, known) {
  return element(
    'p',
    { class: 'empty' },
    count > 0
      ? 'None of those that you look for.'
      : known?.isComplete
        ? text
        : 'Loading',
  );
}

/**
 * @param {Election[]} elections
 * @param {About | undefined} known
 */
function drawTimeline(elections, known) {
  const chosen = sortedElections(elections);
  byId('terms-section').hidden = !known || chosen.length === 0;
  if (!known || chosen.length === 0) {
    return;
  }
  suggestSpan(elections);
  const [shown, more] = firstOf('terms', chosen);
  replaceChildren(byId('timeline'), [
    timelineChart(shown, Date.parse(known.historySince), shownMs()),
    more,
    element(
      'details',
      {},
      element('summary', {}, 'Terms as a table'),
      element('div', { class: 'scroll' }, termTable(shown)),
    ),
  ]);
  byId('timeline-remark').title =
    `Terms as ${known.instanceId} has seen them since it was started, at ${clockText(known.historySince)}; of elections in which it takes no part, only while somebody looked.`;
}

/** @param {About | undefined} known */
function drawTasks(known) {
  /** @type {Task[]} */
  const tasks = partsOf('task:');
  const verdict = /** @type {Verdict | undefined} */ (parts.get('verdict'));
  const [shown, more] = firstOf('tasks', chosenTasks(tasks));
  replaceChildren(byId('task-filters'), [
    tasks.length > 0 && taskFilters(tasks),
  ]);
  replaceChildren(byId('task-list'), [
    shown.length > 0
      ? taskTable(shown, known?.hasActions === true, verdict?.leaderless ?? [])
      : emptyText(tasks.length, 'No leader tasks.', known),
    more,
  ]);
  byId('outcome-legend').hidden = tasks.length === 0;
  byId('task-remark').title = known
    ? `Schedules, and tasks without a run ledger, are those of ${known.instanceId}; runs in a ledger are those of all instances.`
    : '';
}

/**
 * @param {Instance[]} instances
 * @param {LeftInstance[]} left
 * @param {Election[]} elections
 * @param {PartitionGroup[]} groups
 * @param {About | undefined} known
 */
function drawInstances(instances, left, elections, groups, known) {
  /** @param {Instance} instance */
  const isChosen = ({ instanceId, host }) => matches(instanceId, host);
  const [chosen, gone] = [instances.filter(isChosen), left.filter(isChosen)];
  replaceChildren(byId('instance-list'), [
    chosen.length + gone.length > 0
      ? instanceTable(
          chosen,
          gone,
          elections,
          groups,
          /** @type {Drain[]} */ (parts.get('drains') ?? []),
          known,
        )
      : emptyText(instances.length, 'No instance is connected.', known),
  ]);
}

function drawAudit() {
  const entries = /** @type {AuditEntry[]} */ (parts.get('audit') ?? []);
  const [shown, more] = firstOf('audit', entries.toReversed());
  byId('audit-section').hidden = entries.length === 0;
  replaceChildren(byId('audit-list'), [auditTable(shown.toReversed()), more]);
}

/** @param {boolean} isHeard */
function setLive(isHeard) {
  if (isHeard) {
    heardAtMs = Date.now();
    isLoggedOut = false;
  }
  if (isLive !== isHeard) {
    isLive = isHeard;
    redraw();
  }
}

function connect() {
  const source = new EventSource(`${base}/api/events`);
  source.addEventListener('message', (event) => {
    setLive(true);
    receive(/** @type {Message} */ (JSON.parse(event.data)));
  });
  source.addEventListener('alive', () => setLive(true));
  source.addEventListener('error', () => {
    setLive(false);
    if (source.readyState === EventSource.CLOSED) {
      // An answer that is no stream: the browser itself does not try again.
      void askWhy();
      setTimeout(connect, RECONNECT_MS);
    }
  });
}

/** A stream does not say why it was refused; the page, for the same person, does. */
async function askWhy() {
  try {
    const response = await fetch(location.pathname, { redirect: 'manual' });
    isLoggedOut = isLoginExpired(response);
  } catch {
    isLoggedOut = false;
  }
  redraw();
}

/** @type {number | undefined} */
let drawing;
redraw = () => {
  drawing ??= setTimeout(() => {
    drawing = undefined;
    draw();
  }, DRAW_MS);
};

append(byId('outcome-legend'), outcomeLegend());
byId('json').setAttribute('href', `${base}/api/state`);
buildSpanChoice(() => redraw());
readView();
const search = /** @type {HTMLInputElement} */ (byId('search'));
search.value = view.q;
search.addEventListener('input', () => setView({ q: search.value }));
window.addEventListener('hashchange', () => {
  readView();
  search.value = view.q;
  draw();
  if (view.show !== 'all') {
    byId('tasks').scrollIntoView();
    byId('tasks').focus({ preventScroll: true });
  }
});
window.addEventListener('resize', () => redraw());
setInterval(() => {
  if (isLive && Date.now() - heardAtMs > LONGEST_SILENCE_MS) {
    setLive(false);
  }
}, 1000);
// Bars grow, and "40 s ago" goes on.
setInterval(() => redraw(), 1000);
draw();
connect();
