import { isRunning, processEntry } from '../support/process-table.js';
import { waitFor } from '../support/wait-for.js';
import { NodeChurn } from './checks/churn.js';
import { replicaDifferences } from './checks/replicas.js';
import { violationsOf } from './checks/index.js';
import { treeProblems } from './checks/tree.js';
import { last, monotonicMs } from './clock.js';
import { Cluster } from './cluster.js';
import { EnsembleWatch } from './ensemble-watch.js';
import { COMBINABLE, FAULTS, type FaultKind } from './faults/index.js';
import { wipe } from './faults/servers.js';
import type { Step } from './history.js';
import { Random } from './random.js';
import { resultOf, type RunResult } from './result.js';
import { ELECTIONS, type RunSettings } from './settings.js';
import { Stalls } from './stalls.js';

const LONGEST_REST_MS = 1_200;
/** So much later than promised is given up. */
const PATIENCE_MS = 60_000;
/** How long a keeper may try to close a session, and then some. */
const LAST_WORDS_MS = 5_000;

/** One run: a cluster, a schedule of faults, and what came of it. */
export class FaultRun {
  readonly #settings: RunSettings;
  readonly #cluster: Cluster;
  readonly #stalls = new Stalls();
  readonly #watch: EnsembleWatch;
  readonly #churn = new NodeChurn();
  readonly #startedMs = monotonicMs();

  static async execute(settings: RunSettings): Promise<RunResult> {
    const run = new FaultRun(settings, await Cluster.start(settings));
    try {
      return await run.#execute();
    } finally {
      await run.#close();
    }
  }

  private constructor(settings: RunSettings, cluster: Cluster) {
    this.#settings = settings;
    this.#cluster = cluster;
    this.#watch = new EnsembleWatch(cluster.ensemble);
  }

  async #execute(): Promise<RunResult> {
    const settings = this.#settings;
    await this.#cluster.repair();
    await this.#untilHealed(monotonicMs(), PATIENCE_MS);
    const endMs = monotonicMs() + settings.minutes * 60_000;
    const bag = kindsInOrder(settings);
    for (let index = 0; monotonicMs() < endMs; index++) {
      await this.#step(index, bag.next().value);
      if (settings.isHasty && violationsOf(this.#cluster).length > 0) {
        break;
      }
    }
    await this.#finish();
    return resultOf(this.#cluster, settings, monotonicMs() - this.#startedMs);
  }

  async #step(index: number, kind: FaultKind): Promise<void> {
    const { seed } = this.#settings;
    const random = new Random(seed, 'step', index);
    await last(random.magnitude(5, LONGEST_REST_MS));
    const company = COMBINABLE.filter(
      (each) => each !== kind && this.#settings.kinds.includes(each),
    );
    const kinds =
      COMBINABLE.includes(kind) &&
      company.length > 0 &&
      random.chance(this.#settings.combinedShare)
        ? [kind, random.pick(company)]
        : [kind];
    const fromMs = monotonicMs();
    const step: Step = {
      index,
      kinds,
      notes: [],
      fromMs,
      untilMs: fromMs,
      servedMs: fromMs,
      healedMs: fromMs,
      ensembleGapMs: 0,
    };
    this.#cluster.history.steps.push(step);
    this.#watch.take();
    await Promise.all(
      kinds.map((each, position) =>
        FAULTS[each].inject({
          cluster: this.#cluster,
          random: new Random(seed, 'fault', index, position),
          note: (text) => step.notes.push(text),
        }),
      ),
    );
    await this.#cluster.repair();
    step.untilMs = monotonicMs();
    await this.#cluster.ensemble.untilServing();
    step.servedMs = monotonicMs();
    step.ensembleGapMs = this.#watch.take();
    const name = `after step ${index} (${step.notes.join('; ')})`;
    step.healedMs = await this.#untilHealed(step.servedMs, PATIENCE_MS, name);
    await this.#cluster.readLedgers();
    this.#log(
      `${kinds.join(' + ')}: ${step.notes.join('; ')}; over after ${ms(step.untilMs - fromMs)}, healed ${ms(step.healedMs - step.servedMs)} later`,
    );
  }

  /**
   * One leader for each election within two session timeouts, and then one node
   * for each instance. Returns when there were leaders.
   */
  async #untilHealed(
    sinceMs: number,
    patienceMs: number,
    when = 'at the start',
  ): Promise<number> {
    const { history, sessionTimeoutMs } = this.#cluster;
    const stalledMs = this.#stalls.totalMs;
    const dueMs = (): number =>
      2 * sessionTimeoutMs + this.#stalls.totalMs - stalledMs;
    const limitMs = when === 'at the start' ? patienceMs : undefined;
    const healed = await waitFor(
      () =>
        ELECTIONS.every((name) => this.#cluster.leader(name)) && monotonicMs(),
      { timeoutMs: patienceMs, description: 'a leader of each election' },
    ).catch(() => Infinity);
    if (healed - sinceMs > (limitMs ?? dueMs())) {
      history.problem(
        `no leader within two session timeouts ${when}: ${Number.isFinite(healed) ? ms(healed - sinceMs) : 'never'}`,
      );
    }
    // A lost machine's nodes stay for a session timeout, and its place is taken
    // by another process that has to start first.
    let problems: string[] = [];
    const isTidy = await waitFor(
      async () => {
        problems = await this.#cluster.inspect((client) =>
          treeProblems(this.#cluster, client),
        );
        return problems.length === 0;
      },
      { timeoutMs: patienceMs, description: 'one node for each instance' },
    ).catch(() => false);
    if (!isTidy) {
      const differences = await replicaDifferences(this.#cluster);
      if (differences.length > 0) {
        history.divergence(
          `the servers differ ${when}: ${differences.join('; ')}`,
        );
        await wipe(this.#cluster);
        return healed;
      }
      history.problem(`the nodes ${when}: ${problems.join('; ')}`);
    }
    const churn = await this.#cluster.inspect((client) =>
      this.#churn.problems(this.#cluster, client),
    );
    for (const problem of churn) {
      history.problem(`${problem} ${when}`);
    }
    return healed;
  }

  /** Calm, then an orderly end of everything. */
  async #finish(): Promise<void> {
    const { history, sessionTimeoutMs } = this.#cluster;
    await last(2 * sessionTimeoutMs);
    for (const { instance } of this.#cluster.running) {
      instance?.order({ do: 'count' });
    }
    await this.#cluster.readLedgers();
    const running = this.#cluster.running.flatMap(
      ({ instance }) => instance ?? [],
    );
    for (const instance of running) {
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
    const left = (): number[] =>
      this.#cluster.instances.flatMap((instance) => instance.survivors());
    await waitFor(() => left().length === 0, {
      timeoutMs: sessionTimeoutMs + LAST_WORDS_MS,
      description: 'all keepers to end',
    }).catch(() => {
      const alive = left().filter((pid) => {
        const entry = processEntry(pid);
        return entry !== undefined && isRunning(entry);
      });
      history.problem(`processes left behind: ${alive.join(', ')}`);
    });
    const problems = await this.#cluster.inspect((client) =>
      treeProblems(this.#cluster, client),
    );
    for (const each of problems) {
      history.problem(`at the end, ${each}`);
    }
    await this.#cluster.readLedgers();
  }

  async #close(): Promise<void> {
    this.#stalls.stop();
    await this.#watch.stop();
    await this.#cluster.close();
  }

  #log(text: string): void {
    const atMs = monotonicMs() - this.#startedMs;
    this.#settings.log(`${(atMs / 1_000).toFixed(1).padStart(7)} s  ${text}`);
  }
}

/** Every kind once, in an order of the seed's, then again in another order. */
function* kindsInOrder({
  seed,
  kinds,
}: RunSettings): Generator<FaultKind, never> {
  for (let round = 0; ; round++) {
    yield* new Random(seed, 'round', round).shuffle(kinds);
  }
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}
