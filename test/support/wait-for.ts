import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

const POLL_INTERVAL_MS = 5;

export interface WaitForOptions {
  timeoutMs?: number;
  /** Completes "Timed out waiting for ...". */
  description?: string;
}

export type Truthy<T> = Exclude<
  T,
  false | 0 | 0n | '' | null | undefined | void
>;

/**
 * Waits until the condition returns something truthy, and returns that. A
 * condition that throws is not fulfilled yet: nodes and processes appear late.
 * After the deadline the error tells what the condition said last.
 *
 * Clock and timers are Node's own, not the global ones that jest may have faked.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, description = 'a condition' }: WaitForOptions = {},
): Promise<Truthy<T>> {
  let last = 'it has not answered';
  const abort = new AbortController();
  const { signal } = abort;
  const deadline = performance.now() + timeoutMs;
  const expiry = delay(timeoutMs, undefined, { signal }).catch(() => undefined);
  try {
    while (performance.now() < deadline) {
      // A condition that never settles must not outlive the deadline.
      const outcome = await Promise.race([evaluate(condition), expiry]);
      if (!outcome) {
        break;
      }
      if ('error' in outcome) {
        last = `it threw ${describeError(outcome.error)}`;
      } else if (outcome.value) {
        return outcome.value as Truthy<T>;
      } else {
        last = `it returned ${inspect(outcome.value)}`;
      }
      await delay(POLL_INTERVAL_MS);
    }
  } finally {
    abort.abort();
  }
  throw new Error(
    `Timed out after ${timeoutMs} ms waiting for ${description}; ${last}.`,
  );
}

async function evaluate<T>(
  condition: () => T | Promise<T>,
): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await condition() };
  } catch (error) {
    return { error };
  }
}

/** Node's own errors are not `instanceof Error` inside jest. */
function describeError(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : inspect(error);
}
