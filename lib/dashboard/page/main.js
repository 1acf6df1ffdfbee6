/**
 * @typedef {{ instanceId: string, version: string, basePath: string | null,
 *   connection: string, connectionSince?: string, historySince: string,
 *   hasActions: boolean, isComplete: boolean, isTruncated: boolean,
 *   problem?: string }} About
 * @typedef {{ isWhole: boolean, parts: Record<string, unknown> }} Message
 */

/** What has been told so far. @type {Map<string, unknown>} */
const parts = new Map();
/** Leaders that have been announced. @type {Map<string, string>} */
const announced = new Map();
const RECONNECT_MS = 2000;
let isLive = false;

/** @returns {About | undefined} */
function about() {
  return /** @type {About | undefined} */ (parts.get('about'));
}

/**
 * @template T
 * @param {string} prefix
 * @returns {T[]}
 */
function partsOf(prefix) {
  return [...parts]
    .filter(([key]) => key.startsWith(prefix))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, part]) => /** @type {T} */ (part));
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
  const keys = isWhole
    ? ['about', 'instances', 'election:', 'task:']
    : Object.keys(changed);
  /** @param {string} prefix */
  const has = (prefix) => keys.some((key) => key.startsWith(prefix));
  if (has('about')) {
    drawAbout();
  }
  if (has('about') || has('election:')) {
    drawElections();
    drawTimeline();
  }
  if (has('about') || has('task:')) {
    drawTasks();
  }
  if (has('about') || has('instances')) {
    drawInstances();
  }
}

function drawAbout() {
  const known = about();
  const status = byId('status');
  const text = byId('status-text');
  if (!isLive || !known) {
    status.dataset.state = 'bad';
    text.textContent = known
      ? `${known.instanceId} does not answer; what you see is old`
      : 'The instance that serves this page does not answer';
    return;
  }
  const problem = problemOf(known);
  status.dataset.state = problem === undefined ? 'good' : 'bad';
  text.textContent =
    problem ??
    (known.connection === 'standalone' ? 'Live, without ZooKeeper' : 'Live');
  byId('about').textContent = [
    `seen from ${known.instanceId}`,
    known.basePath,
    `version ${known.version}`,
    known.isTruncated && 'there is more than is shown',
  ]
    .filter(Boolean)
    .join(' · ');
  byId('timeline-remark').textContent =
    `Terms as ${known.instanceId} has seen them since it was started, at ${clockText(known.historySince)}; of elections in which it does not take part, only while somebody looked.`;
  byId('task-remark').textContent =
    `Schedules, and tasks without a run ledger, are those of ${known.instanceId}; runs in a ledger are those of all instances.`;
}

/** @param {About} about */
function problemOf({
  connection,
  connectionSince,
  historySince,
  isComplete,
  problem,
}) {
  if (['connected', 'standalone'].includes(connection)) {
    return problem;
  }
  const since = clockText(connectionSince ?? historySince);
  return (
    `The connection to ZooKeeper is ${connection} since ${since}; ` +
    (isComplete ? 'what you see is old' : 'nothing is known yet')
  );
}

function drawElections() {
  /** @type {Election[]} */
  const elections = partsOf('election:');
  const hasActions = about()?.hasActions === true;
  replaceChildren(
    byId('election-list'),
    elections.length > 0
      ? elections.map((election) => electionCard(election, hasActions))
      : [
          element(
            'p',
            { class: 'empty' },
            about()?.isComplete ? 'No elections yet.' : 'Loading',
          ),
        ],
  );
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

function drawTimeline() {
  /** @type {Election[]} */
  const elections = partsOf('election:');
  const known = about();
  if (!known || elections.length === 0) {
    byId('timeline').replaceChildren();
    return;
  }
  suggestSpan(elections);
  const details = element(
    'details',
    {},
    element('summary', {}, 'Terms as a table'),
    element('div', { class: 'scroll' }, termTable(elections)),
  );
  replaceChildren(byId('timeline'), [
    timelineChart(elections, Date.parse(known.historySince)),
    details,
  ]);
}

function drawTasks() {
  /** @type {Task[]} */
  const tasks = partsOf('task:');
  replaceChildren(
    byId('task-list'),
    tasks.length > 0
      ? [taskTable(tasks, about()?.hasActions === true, drawTasks)]
      : [
          element(
            'p',
            { class: 'empty' },
            about()?.isComplete ? 'No leader tasks.' : 'Loading',
          ),
        ],
  );
}

function drawInstances() {
  const instances = /** @type {Instance[]} */ (parts.get('instances') ?? []);
  replaceChildren(
    byId('instance-list'),
    instances.map((instance) =>
      instanceLine(instance, about()?.instanceId ?? ''),
    ),
  );
}

function connect() {
  const source = new EventSource(`${base}/api/events`);
  source.addEventListener('message', (event) => {
    isLive = true;
    receive(/** @type {Message} */ (JSON.parse(event.data)));
    drawAbout();
  });
  source.addEventListener('error', () => {
    isLive = false;
    drawAbout();
    if (source.readyState === EventSource.CLOSED) {
      // An answer that is no stream: the browser itself does not try again.
      setTimeout(connect, RECONNECT_MS);
    }
  });
}

append(byId('outcome-legend'), outcomeLegend());
byId('json').setAttribute('href', `${base}/api/state`);
buildSpanChoice(drawTimeline);
window.addEventListener('resize', drawTimeline);
setInterval(drawTimeline, 5000);
connect();
