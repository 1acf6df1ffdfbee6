import { AsyncLocalStorage } from 'node:async_hooks';
import { sharedRegistry } from '../shared-registry.js';
import type { RunTrigger } from './leader-task-event.interface.js';

/**
 * The run of a leader task in which a piece of code is called.
 *
 * @publicApi
 */
export interface LeaderTaskContext {
  /** Name of the task. */
  readonly task: string;
  /** Name of the election. */
  readonly election: string;
  /**
   * The scheduled time of this run, the same in all instances whatever their
   * clocks say: a key for whatever must exist once per tick. Undefined for runs
   * that no schedule has asked for.
   */
  readonly tick: Date | undefined;
  /**
   * Token of the term in which the run began, for resources that refuse the late
   * writes of a former leader. 0, less than any token, in a manual run of an
   * instance that does not lead.
   */
  readonly fencingToken: number;
  /**
   * Aborts with a {@link LeadershipLostError} when that term ends; its `reason`
   * tells why. Not after the end of the run: await what is to be told.
   */
  readonly signal: AbortSignal;
  /** 1, and one more for each retry, and for each rerun of a tick. */
  readonly attempt: number;
  /** What made the task run. */
  readonly trigger: RunTrigger;
}

/** Shared by both builds, so that either finds the runs of the other. */
export const taskStorage = sharedRegistry(
  'current-task',
  () => new AsyncLocalStorage<LeaderTaskContext>(),
);

/**
 * The run of a leader task from which this is called, however deep; undefined
 * outside of any.
 *
 * @example
 * ```ts
 * @Cron('0 2 * * *')
 * @OnlyLeader()
 * async sendInvoices(): Promise<void> {
 *   for (const invoice of await this.invoices.due()) {
 *     currentLeaderTask()?.signal.throwIfAborted();
 *     await this.mailer.send(invoice);
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export function currentLeaderTask(): LeaderTaskContext | undefined {
  return taskStorage.getStore();
}
