import type { LedgerDocument } from '../../lib/tasks/ledger/ledger.js';
import { isRunning, processEntry } from '../support/process-table.js';
import { waitFor } from '../support/wait-for.js';
import { unless } from '../support/wire-error.js';
import { treeProblems } from './checks/tree.js';
import { last, monotonicMs } from './clock.js';
import type { Cluster } from './cluster.js';
import type { FaultInstance } from './instance.js';
import { ledgerPath } from './ledgers.js';
import { LEDGERED_TASKS, PATIENCE_MS, SHARED_NAMES } from './settings.js';

/** How long a guardian may try to close a session, and then some. */
const LAST_WORDS_MS = 5_000;
/** So many that what they leave behind stands out from what comes and goes. */
const OBSERVATIONS = 3_000;
const MOST_BYTES_LEFT = 75;
/** A tick that is no older than that is the present one. */
const CURRENT_TICK_MS = 2_500;

/**
 * Calm, then an orderly end of all instances: what was missed is made up for, what
 * was called settles, and nothing is left.
 */
export async function endInGoodOrder(cluster: Cluster): Promise<void> {
  const { history, sessionTimeoutMs } = cluster;
  const calmSinceMs = monotonicMs();
  const running = cluster.running.flatMap(({ instance }) => instance ?? []);
  running.forEach((instance) => instance.order({ do: 'resume-tasks' }));
  await last(2 * sessionTimeoutMs);
  await ledgersAreUpToDate(cluster);
  for (const instance of running) {
    await callsHaveSettled(cluster, instance, calmSinceMs);
  }
  await Promise.all(
    running.map((instance) => watchesAreForgotten(cluster, instance)),
  );
  for (const instance of running) {
    await ends(cluster, instance);
  }
  await nothingIsLeft(cluster);
  const problems = await cluster.inspect((client) =>
    treeProblems(cluster, client),
  );
  for (const each of problems) {
    history.problem(`at the end, ${each}`);
  }
  await cluster.readLedgers();
}

/** Nothing that was missed is left, and ticks are run as they come. */
async function ledgersAreUpToDate(cluster: Cluster): Promise<void> {
  const { history } = cluster;
  // A fleet of former versions only has nobody to own partitions.
  const isShared = cluster.sharers.some(({ weight }) => weight > 0);
  const tasks = LEDGERED_TASKS.filter(
    (task) => isShared || !SHARED_NAMES.includes(task),
  );
  const late = (): string[] =>
    tasks.filter((task) => {
      const lastTick = history.ledgerEras.at(-1)?.lastTick.get(task) ?? 0;
      return Date.now() - lastTick > CURRENT_TICK_MS;
    });
  await waitFor(
    async () => {
      await cluster.readLedgers();
      return late().length === 0;
    },
    { timeoutMs: PATIENCE_MS, description: 'ledgers up to date' },
  ).catch(async () => {
    const states = await Promise.all(
      late().map((task) => describeLedger(cluster, task)),
    );
    history.problem(`ticks are not run any more: ${states.join(', ')}`);
  });
}

/** As in `once (paused by i1.2, open runs: 0)`, or `once (no ledger)`. */
async function describeLedger(cluster: Cluster, task: string): Promise<string> {
  const node = await cluster.inspect((client) =>
    client.getData(ledgerPath(task)).catch(unless('NO_NODE')),
  );
  if (!node) {
    return `${task} (no ledger)`;
  }
  const { pause, open } = JSON.parse(node.data.toString()) as LedgerDocument;
  const by = pause ? `paused by ${pause.by}, ` : '';
  return `${task} (${by}open runs: ${open.length})`;
}

/** What was called before the calm has settled, and not only when all ends. */
async function callsHaveSettled(
  { history }: Cluster,
  instance: FaultInstance,
  calmSinceMs: number,
): Promise<void> {
  instance.order({ do: 'count' });
  await waitFor(() => instance.calls, {
    timeoutMs: PATIENCE_MS,
    description: 'an answer',
  }).catch(() => undefined);
  const pending = instance.calls?.pending.filter(
    ({ sinceMs }) => sinceMs < calmSinceMs,
  );
  if (pending?.length !== 0) {
    const names = pending?.map(({ name }) => name) ?? ['it does not answer'];
    history.problem(
      `${instance.id}: promises do not settle: ${names.join(', ')}`,
    );
  }
}

/** Who asks for the leader and loses interest leaves nothing behind. */
async function watchesAreForgotten(
  { history }: Cluster,
  instance: FaultInstance,
): Promise<void> {
  let bytes = Infinity;
  // What else the application does takes memory once; what is left behind, each time.
  for (let tries = 0; tries < 3 && bytes >= MOST_BYTES_LEFT; tries++) {
    instance.bytesPerCall = undefined;
    instance.order({ do: 'observe', times: OBSERVATIONS });
    await waitFor(() => instance.bytesPerCall !== undefined, {
      // Tens of thousands of requests: how long they take is not what is measured.
      timeoutMs: 6 * PATIENCE_MS,
      description: 'the memory that is left behind',
    }).catch(() => undefined);
    bytes = instance.bytesPerCall ?? NaN;
  }
  if (!(bytes < MOST_BYTES_LEFT)) {
    history.problem(
      `${instance.id}: each question for the leader leaves ${Math.round(bytes)} bytes behind`,
    );
  }
}

async function ends(
  { history }: Cluster,
  instance: FaultInstance,
): Promise<void> {
  let hasEnded = false;
  void instance.terminate().then(() => {
    hasEnded = true;
  });
  await waitFor(() => hasEnded, {
    timeoutMs: PATIENCE_MS,
    description: `the end of ${instance.id}`,
  }).catch(() => {
    history.problem(`${instance.id} does not end at SIGTERM`);
  });
}

async function nothingIsLeft(cluster: Cluster): Promise<void> {
  const left = (): number[] =>
    cluster.instances.flatMap((instance) => instance.survivors());
  await waitFor(() => left().length === 0, {
    timeoutMs: cluster.sessionTimeoutMs + LAST_WORDS_MS,
    description: 'all guardians to end',
  }).catch(() => {
    const alive = left().filter((pid) => {
      const entry = processEntry(pid);
      return entry !== undefined && isRunning(entry);
    });
    cluster.history.problem(`processes left behind: ${alive.join(', ')}`);
  });
}
