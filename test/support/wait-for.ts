import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

const POLL_INTERVAL_MS = 5;

export interface WaitForOptions {
  timeoutMs?: number;
  /** Completes "Timed out waiting for ...". */
  description?: string;
}

type Truthy<T> = Exclude<T, false | 0 | 0n | '' | null | undefined | void>;

/**
 * Waits until the condition returns something truthy, and returns that. A
 * condition that throws is not fulfilled yet: nodes and processes appear late.
 * After the deadline the error tells what the condition said last.
 *
 * The timers are Node's own, not the global ones that jest may have faked.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, description = 'a condition' }: WaitForOptions = {},
): Promise<Truthy<T>> {
  const deadline = performance.now() + timeoutMs;
  let last = 'it has not answered';
  const abort = new AbortController();
  const expired = delay(timeoutMs, undefined, { signal: abort.signal }).catch(
    () => undefined,
  );
  try {
    do {
      const attempt = evaluate(condition);
      // A condition that never settles must not outlive the deadline.
      const outcome = await Promise.race([attempt, expired]);
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
    } while (performance.now() < deadline);
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
