import type { AnyMethod } from './task-definition.js';

/** What a guarded call is directed to. */
export interface TaskGuard {
  /**
   * Whether a call is to do nothing, as far as can be told at once: then it has
   * been counted and told of. Allocates nothing, unless somebody listens.
   */
  declines(): boolean;
  /** A call that was not declined. */
  call(method: AnyMethod, target: unknown, args: ArrayLike<unknown>): unknown;
}
