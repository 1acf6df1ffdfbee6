import type { LeadershipReason } from '../election/leadership.interface.js';

/**
 * Why a call of a leader task did nothing:
 * - `not-leading`: this instance does not lead;
 * - `closing`: the application is closing;
 * - `overlap`: a run goes on, and the option `overlap` forbids another one;
 * - `claimed`: the tick has been run already, here or by another instance;
 * - `too-late`: the tick is older than `maxLatenessMs`;
 * - `ledger-unavailable`: the tick could not be claimed, because ZooKeeper or
 *   the ledger was not in order;
 * - `replaced`: `onlyLeader()` was called again for a task of that name.
 *
 * @publicApi
 */
export type SkipReason =
  | 'not-leading'
  | 'closing'
  | 'overlap'
  | 'claimed'
  | 'too-late'
  | 'ledger-unavailable'
  | 'replaced';

/**
 * What made a task run: a `call` (as a rule by the scheduler), a `missed` tick,
 * an `interrupted` run, or `LeaderTasks.run()` (`manual`).
 *
 * @publicApi
 */
export type RunTrigger = 'call' | 'missed' | 'interrupted' | 'manual';

interface TaskEventBase {
  /** Name of the task. */
  readonly task: string;
  /** Name of the election. */
  readonly election: string;
  /** This instance. */
  readonly instanceId: string;
  /** When it happened, by this instance's wall clock. */
  readonly at: Date;
}

interface RunEventBase extends TaskEventBase {
  /** The tick that is run, where there is one. */
  readonly tick?: Date;
  readonly fencingToken: number;
  readonly attempt: number;
  readonly trigger: RunTrigger;
}

/**
 * A call that did nothing.
 *
 * @publicApi
 */
export interface SkippedTask extends TaskEventBase {
  readonly type: 'skipped';
  readonly reason: SkipReason;
  /** The tick that is not run, where it is known. */
  readonly tick?: Date;
  /** What was wrong with the ledger. */
  readonly error?: unknown;
}

/**
 * What happens to leader tasks, told by `LeaderTasks.events$` and, as messages
 * of the same form, by the `node:diagnostics_channel` channels
 * `nestjs-zookeeper-leader:task:<type>`:
 *
 * - `started`, `finished`, `failed`: of each try of a run;
 * - `skipped`: a call did nothing;
 * - `missed`: the ticks from `tick` to `lastTick` are not run by anybody;
 *   `count` stops at 100;
 * - `interrupted`: a run was found that began and never ended;
 * - `aborted`: leadership ended while a run goes on; its signal has aborted;
 * - `overran`: an aborted run still goes on after `drainTimeoutMs`.
 *
 * @publicApi
 */
export type LeaderTaskEvent =
  | SkippedTask
  | (RunEventBase & { readonly type: 'started' })
  | (RunEventBase & {
      readonly type: 'finished';
      readonly durationMs: number;
    })
  | (RunEventBase & {
      readonly type: 'failed';
      readonly durationMs: number;
      readonly error: unknown;
      /** Whether the run is tried again (option `retry`). */
      readonly willRetry: boolean;
    })
  | (TaskEventBase & {
      readonly type: 'missed';
      readonly tick: Date;
      readonly lastTick: Date;
      readonly count: number;
    })
  | (TaskEventBase & {
      readonly type: 'interrupted';
      readonly tick: Date;
      /** The instance that had begun the run. */
      readonly interruptedInstanceId: string;
      readonly attempt: number;
      readonly willRerun: boolean;
    })
  | (RunEventBase & {
      readonly type: 'aborted';
      /** What ended the leadership. */
      readonly reason: LeadershipReason;
    })
  | (RunEventBase & { readonly type: 'overran' });
