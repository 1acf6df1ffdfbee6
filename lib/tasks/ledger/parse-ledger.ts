import {
  FORMAT,
  type LedgerDocument,
  type OpenRun,
  type PastRun,
} from './ledger-document.js';

/** No more than that can be written, so that no ledger of ours is refused. */
const LONGEST_DATA = 1_000_000;

const OUTCOMES = new Set(['finished', 'failed', 'aborted', 'interrupted']);

/**
 * Reads what a ledger's znode holds, whoever wrote it.
 *
 * @throws {TypeError} that says what is wrong with it
 */
export function parseLedger(data: string, task: string): LedgerDocument {
  if (data.length > LONGEST_DATA) {
    throw new TypeError(`it has ${data.length} characters`);
  }
  const ledger = parseJson(data);
  if (!isObject(ledger) || typeof ledger.format !== 'string') {
    throw new TypeError('it is not a run ledger');
  }
  if (ledger.format !== FORMAT) {
    throw new TypeError(
      `its format is "${ledger.format.slice(0, 100)}", not "${FORMAT}"`,
    );
  }
  if (ledger.task !== task) {
    throw new TypeError('it is the ledger of another task');
  }
  if (
    !Number.isSafeInteger(ledger.token) ||
    !isTime(ledger.tick) ||
    !isListOf(ledger.open, isOpenRun) ||
    !isListOf(ledger.past, isPastRun)
  ) {
    throw new TypeError('its members are not those of a run ledger');
  }
  return ledger as unknown as LedgerDocument;
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new TypeError('it is not JSON');
  }
}

function isOpenRun(value: unknown): value is OpenRun {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    typeof value.instanceId === 'string' &&
    isTime(value.tick) &&
    isTime(value.startedAt) &&
    Number.isSafeInteger(value.token) &&
    isCount(value.attempt)
  );
}

function isPastRun(value: unknown): value is PastRun {
  return (
    isOpenRun(value) &&
    'outcome' in value &&
    OUTCOMES.has(value.outcome as string) &&
    isOptional(value, 'durationMs', 'number') &&
    isOptional(value, 'error', 'string')
  );
}

function isOptional(value: object, key: string, type: string): boolean {
  return !(key in value) || typeof value[key as never] === type;
}

function isListOf(value: unknown, is: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Within the range of a Date. */
function isTime(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) <= 8.64e15;
}
