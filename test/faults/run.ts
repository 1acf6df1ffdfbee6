import { loadavg } from 'node:os';
import { violationsOf } from './checks/index.js';
import { last, monotonicMs } from './clock.js';
import { Cluster } from './cluster.js';
import { endInGoodOrder } from './ending.js';
import { EnsembleWatch } from './ensemble-watch.js';
import { COMBINABLE, FAULTS, type FaultKind } from './faults/index.js';
import { Healing } from './healing.js';
import type { Step } from './history.js';
import { Random } from './random.js';
import { resultOf, type RunResult } from './result.js';
import type { RunSettings } from './settings.js';

const LONGEST_REST_MS = 1_200;

/** One run: a cluster, a schedule of faults, and what came of it. */
export class FaultRun {
  readonly #settings: RunSettings;
  readonly #cluster: Cluster;
  readonly #watch: EnsembleWatch;
  readonly #healing: Healing;
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
    this.#healing = new Healing(cluster);
  }

  async #execute(): Promise<RunResult> {
    const settings = this.#settings;
    await this.#cluster.repair();
    await this.#healing.atStart();
    const endMs = monotonicMs() + settings.minutes * 60_000;
    const bag = kindsInOrder(settings);
    try {
      for (let index = 0; monotonicMs() < endMs; index++) {
        await this.#step(index, bag.next().value);
        if (settings.isHasty && violationsOf(this.#cluster).length > 0) {
          // What an orderly end would add is no sign of what went wrong.
          return this.#result();
        }
      }
      await this.#healing.atEnd();
      await endInGoodOrder(this.#cluster);
    } catch (error) {
      // What has been seen until then counts all the same.
      const { steps } = this.#cluster.history;
      const kinds = steps.at(-1)?.kinds.join(' + ');
      this.#cluster.history.problem(
        `the run could not go on (step ${steps.length - 1}, ${kinds}): ${String(error)}`,
      );
    }
    return this.#result();
  }

  #result(): RunResult {
    const durationMs = monotonicMs() - this.#startedMs;
    return resultOf(this.#cluster, this.#settings, durationMs);
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
      tidyMs: fromMs,
      balancedMs: fromMs,
      ensembleGapMs: 0,
      load: loadavg()[0] ?? 0,
      hasZookeeperFailed: false,
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
    const name = `after step ${index} (${step.notes.join('; ')})`;
    const { zookeeperFailures } = this.#cluster.history;
    const known = zookeeperFailures.length;
    await this.#cluster.ensemble.untilServing();
    await this.#healing.untilCommitting(name);
    step.servedMs = monotonicMs();
    step.ensembleGapMs = this.#watch.take();
    const { ledMs, tidyMs, balancedMs } = await this.#healing.after(name);
    step.hasZookeeperFailed = zookeeperFailures.length > known;
    step.healedMs = ledMs;
    step.tidyMs = tidyMs;
    step.balancedMs = balancedMs;
    await this.#cluster.readLedgers();
    this.#log(
      `${kinds.join(' + ')}: ${step.notes.join('; ')}; over after ${ms(step.untilMs - fromMs)}, healed ${ms(step.healedMs - step.servedMs)} later, tidy ${ms(step.tidyMs - step.servedMs)} later, balanced ${ms(step.balancedMs - step.servedMs)} later`,
    );
  }

  async #close(): Promise<void> {
    this.#healing.stop();
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
