import { describe, expect, it } from '@jest/globals';
import * as fc from '../../support/fast-check.js';
import type { LeaderTaskEvent, LeaderTaskRun } from '../../../lib/index.js';
import {
  settled,
  TaskLab,
  type LabMember,
  type LabRun,
  type Loss,
} from '../../support/task-lab.js';

/**
 * Random histories of a task, against a reference model of what docs/tasks.md
 * promises. A failure tells its seed and its path: give them to `fc.assert()` as
 * `{ seed, path }` to see it again.
 */
const MINUTE = 60_000;
const BEGIN = Date.parse('2026-01-01T12:00:00Z');
const MEMBERS = 3;

type Command =
  /** A minute passes; the clocks of the members are apart by some seconds. */
  | { readonly do: 'tick'; readonly skewsMs: readonly number[] }
  | { readonly do: 'hand over'; readonly to: number }
  | { readonly do: 'crash' }
  /** Nobody leads for some minutes. */
  | { readonly do: 'leaderless'; readonly minutes: number }
  | { readonly do: 'pause' }
  | { readonly do: 'resume'; readonly catchUp: boolean }
  | { readonly do: 'switch'; readonly isOn: boolean }
  /** The next write of the leader is lost, and its term with it. */
  | { readonly do: 'lose'; readonly loss: Loss }
  | { readonly do: 'request' }
  | { readonly do: 'end runs' };

const anyMember = fc.nat(MEMBERS - 1);
const commands = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('tick' as const),
        skewsMs: fc.array(fc.integer({ min: -20_000, max: 20_000 }), {
          minLength: MEMBERS,
          maxLength: MEMBERS,
        }),
      }),
    },
    fc.record({ do: fc.constant('hand over' as const), to: anyMember }),
    fc.record({ do: fc.constant('crash' as const) }),
    fc.record({
      do: fc.constant('leaderless' as const),
      minutes: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ do: fc.constant('pause' as const) }),
    fc.record({ do: fc.constant('resume' as const), catchUp: fc.boolean() }),
    fc.record({ do: fc.constant('switch' as const), isOn: fc.boolean() }),
    fc.record({
      do: fc.constant('lose' as const),
      loss: fc.constantFrom<Loss>('answer', 'request', 'both'),
    }),
    fc.record({ do: fc.constant('request' as const) }),
    fc.record({ do: fc.constant('end runs' as const) }),
  ),
  { minLength: 1, maxLength: 25 },
);

/** What has happened, and what may therefore be expected. */
class Model {
  nowMs = BEGIN;
  isPaused = false;
  isOn = true;
  /** Ticks up to this one need not run: they passed during a pause. */
  readonly leftOut = new Set<number>();
  #pausedAt = 0;

  pause(): void {
    if (!this.isPaused) {
      this.isPaused = true;
      this.#pausedAt = this.nowMs;
    }
  }

  resume(catchUp: boolean): void {
    if (this.isPaused && !catchUp) {
      // And what had been missed before: nobody decides for a paused task.
      for (let tick = BEGIN; tick <= this.nowMs + MINUTE; tick += MINUTE) {
        this.leftOut.add(tick);
      }
    }
    this.isPaused = false;
  }

  /** Ticks that have to be claimed once everything is in order again. */
  get due(): number[] {
    const ticks: number[] = [];
    for (let tick = BEGIN + MINUTE; tick <= this.nowMs; tick += MINUTE) {
      ticks.push(tick);
    }
    return ticks.filter((tick) => !this.leftOut.has(tick));
  }

  get pausedAt(): number {
    return this.#pausedAt;
  }
}

interface Policies {
  readonly missedTicks: 'all' | 'latest' | 'skip';
  readonly interruptedRun: 'skip' | 'rerun';
}

/** Carries a history out, and checks what was promised on the way. */
class History {
  readonly lab: TaskLab;
  readonly model = new Model();
  readonly violations: string[] = [];
  readonly #ends: (() => void)[] = [];
  readonly #requests: Promise<unknown>[] = [];
  #names = 0;
  #members: LabMember[] = [];
  #leader: LabMember | undefined;

  constructor(policies: Policies) {
    this.lab = new TaskLab(
      { ledger: { ...policies, historySize: 200 }, overlap: 'allow' },
      new Date(BEGIN).toISOString(),
    );
    this.lab.work = ({ trigger }) => {
      const isOff = !this.model.isOn || this.model.isPaused;
      if (isOff && trigger !== 'call') {
        this.violations.push(`a ${trigger} run of a task that is off`);
      }
      if (this.model.isPaused) {
        this.violations.push(`a ${trigger} run of a task that is paused`);
      }
      return new Promise<void>((resolve) => this.#ends.push(resolve));
    };
  }

  async begin(): Promise<void> {
    for (let count = 0; count < MEMBERS; count += 1) {
      this.#join();
    }
    await this.#elect(this.#members[0]!);
  }

  async carryOut(command: Command): Promise<void> {
    const { lab, model } = this;
    switch (command.do) {
      case 'tick':
        model.nowMs += MINUTE;
        for (const [at, member] of this.#members.entries()) {
          await this.#fire(member, command.skewsMs[at] ?? 0);
        }
        break;
      case 'hand over':
        await this.#elect(this.#members[command.to]!);
        break;
      case 'crash': {
        const crashed = this.#leader ?? this.#members[0]!;
        this.#members = this.#members.filter((each) => each !== crashed);
        crashed.crash();
        this.#join();
        await this.#elect(this.#members[0]!);
        break;
      }
      case 'leaderless':
        this.#leader?.election.depose();
        await settled();
        model.nowMs += command.minutes * MINUTE;
        lab.now = model.nowMs + 1;
        await this.#elect(this.#members[0]!);
        break;
      case 'pause':
        await this.#members[0]!.tasks.pause('task');
        model.pause();
        break;
      case 'resume':
        lab.now = model.nowMs + 1;
        model.resume(command.catchUp);
        await this.#members[0]!.tasks.resume('task', {
          catchUp: command.catchUp,
        });
        break;
      case 'switch':
        model.isOn = command.isOn;
        for (const { job } of this.#members) {
          job.isActive = command.isOn;
        }
        break;
      case 'lose':
        await this.#lose(command.loss);
        break;
      case 'request':
        if (this.#leader && !model.isPaused && model.isOn) {
          const asked = this.#members.at(-1)!.tasks.runOnLeader('task');
          this.#requests.push(asked.catch(() => undefined));
        }
        break;
      case 'end runs':
        this.#ends.splice(0).forEach((end) => end());
    }
    await settled();
  }

  /** Puts everything in order: what is promised must have happened then. */
  async finish(): Promise<void> {
    await this.carryOut({ do: 'end runs' });
    await this.carryOut({ do: 'resume', catchUp: true });
    await this.carryOut({ do: 'switch', isOn: true });
    for (let round = 0; round < 3; round += 1) {
      this.#leader?.election.depose();
      await settled();
      await this.#elect(this.#members[round % MEMBERS]!);
      this.lab.now = this.model.nowMs + 30_000;
      // Backlogs are run one after the other.
      for (let turn = 0; turn < 100 && this.#ends.length > 0; turn += 1) {
        await this.carryOut({ do: 'end runs' });
      }
    }
    await settled(30);
  }

  async close(): Promise<void> {
    this.#ends.splice(0).forEach((end) => end());
    await settled();
    await this.lab.close();
    await Promise.all(this.#requests);
  }

  #join(): void {
    const member = this.lab.member(`m${this.#names++}`);
    member.job.isActive = this.model.isOn;
    this.#members.push(member);
  }

  async #elect(member: LabMember): Promise<void> {
    member.election.elect();
    this.#leader = member;
    await settled();
  }

  async #fire(member: LabMember, skewMs: number): Promise<void> {
    this.lab.now = this.model.nowMs + 1 + skewMs;
    if (member.job.isActive) {
      void member.fire();
    }
    await settled();
    this.lab.now = this.model.nowMs + 1;
  }

  async #lose(loss: Loss): Promise<void> {
    const leader = this.#leader;
    if (!leader) {
      return;
    }
    leader.client.loses = (path) => {
      if (path !== this.lab.path) {
        return undefined;
      }
      leader.client.loses = undefined;
      leader.client.disconnect();
      return loss;
    };
    this.model.nowMs += MINUTE;
    await this.#fire(leader, 0);
    leader.client.loses = undefined;
    leader.election.depose('lease-expired');
    await settled();
    leader.client.connect();
    await this.#elect(leader);
  }
}

async function play(
  policies: Policies,
  history: readonly Command[],
): Promise<History> {
  const played = new History(policies);
  await played.begin();
  for (const command of history) {
    await played.carryOut(command);
  }
  await played.finish();
  return played;
}

/** The promises of docs/tasks.md, one after the other. */
function brokenPromises(
  { missedTicks, interruptedRun }: Policies,
  all: readonly LabRun[],
  past: readonly LeaderTaskRun[],
  events: readonly LeaderTaskEvent[],
  model: Model,
): string[] {
  const runs = all.filter(({ trigger }) => trigger !== 'requested');
  const ticks = new Set(runs.map(({ tickMs }) => tickMs ?? NaN));
  const begun = runs.map(({ tickMs, attempt }) => `${tickMs} (${attempt})`);
  const ticksOf = (outcome: string): number[] =>
    past
      .filter((run) => run.outcome === outcome)
      .map(({ tick }) => tick.getTime());
  const finished = new Set(ticksOf('finished'));
  // A process may die, or lose its leadership, between its claim and the run. The
  // next leader cannot know that nothing has begun, and says so. A process knows
  // that of its own claims.
  const takenForBegun = events.flatMap((event) =>
    event.type === 'interrupted' &&
    event.interruptedInstanceId !== event.instanceId
      ? [event.tick.getTime()]
      : [],
  );
  const claimed = new Set([...ticks, ...takenForBegun]);
  const isRerun = interruptedRun === 'rerun';
  return [
    ...begun
      .filter((each, index) => begun.indexOf(each) !== index)
      .map((each) => `${each} has begun twice`),
    ...begun
      .filter((each) => !isRerun && !each.endsWith('(1)'))
      .map((each) => `${each} was run again`),
    ...model.due
      .filter((tick) => missedTicks === 'all' && !claimed.has(tick))
      .map((tick) => `${tick} was never claimed`),
    ...ticksOf('running').map((tick) => `${tick} has no end`),
    ...[...ticks]
      .filter((tick) => isRerun && !finished.has(tick))
      .map((tick) => `${tick} was never finished`),
  ];
}

describe('in any history of ticks, terms, crashes, pauses, clocks and lost answers', () => {
  it.each<Policies>([
    { missedTicks: 'all', interruptedRun: 'skip' },
    { missedTicks: 'all', interruptedRun: 'rerun' },
    { missedTicks: 'latest', interruptedRun: 'skip' },
    { missedTicks: 'skip', interruptedRun: 'rerun' },
  ])(
    'a task keeps its promises: %j',
    async (policies) => {
      await fc.assert(
        fc.asyncProperty(commands, async (history) => {
          const played = await play(policies, history);
          const { lab, model, violations } = played;
          try {
            const past = await lab.members.at(-1)!.tasks.history('task');
            const events = lab.members.flatMap((member) => member.events);
            expect([
              ...violations,
              ...brokenPromises(policies, lab.runs, past, events, model),
            ]).toEqual([]);
          } finally {
            await played.close();
          }
        }),
        { numRuns: Number(process.env.MODEL_RUNS ?? 300) },
      );
    },
    120_000,
  );
});
