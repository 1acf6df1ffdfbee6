import { types } from 'node:util';

/**
 * Whether it is a promise of Node.js itself, from whatever realm. Others are
 * results like any other: what they do when they are looked at is not known.
 */
export function isPromise(value: unknown): value is Promise<unknown> {
  // The question costs more than most of a guarded call.
  return typeof value === 'object' && value !== null && types.isPromise(value);
}
