// @ts-check
/** Statistics, and the JSON lines in which every program here reports. */

/** Rest before every timed hand-over, in all programs: none is kept warm. */
export const IDLE_MS = 15;

/** @param {readonly string[]} parameters of the form key=value */
export function parseParameters(parameters) {
  const values = new Map(
    parameters.map((each) => /** @type {[string, string]} */ (each.split('='))),
  );
  return {
    /** @param {string} key @param {number} fallback */
    number: (key, fallback) => Number(values.get(key) ?? fallback),
    /** @param {string} key @param {number[]} fallback */
    numbers: (key, fallback) =>
      values.get(key)?.split(',').map(Number) ?? fallback,
  };
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle)
    ? (Number(sorted[middle - 1]) + Number(sorted[middle])) / 2
    : Number(sorted[Math.floor(middle)]);
}

/** @param {readonly number[]} values @param {number} share */
function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return Number(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]);
}

/** @param {number} value */
const rounded = (value) => Number(value.toPrecision(5));

/**
 * Reports durations.
 *
 * @param {string} peer
 * @param {string} metric
 * @param {number} k participants, or elections
 * @param {readonly number[]} valuesMs
 * @param {object} [details]
 */
export function emitTimes(peer, metric, k, valuesMs, details = {}) {
  emit({
    peer,
    metric,
    k,
    n: valuesMs.length,
    median_ms: rounded(median(valuesMs)),
    p99_ms: rounded(quantile(valuesMs, 0.99)),
    min_ms: rounded(Math.min(...valuesMs)),
    p25_ms: rounded(quantile(valuesMs, 0.25)),
    ...details,
  });
}

/**
 * Reports what is no duration.
 *
 * @param {string} peer
 * @param {string} metric
 * @param {number} k
 * @param {number} value
 * @param {string} unit
 * @param {object} [details]
 */
export function emitValue(peer, metric, k, value, unit, details = {}) {
  emit({ peer, metric, k, value: rounded(value), unit, ...details });
}

/** @param {object} line */
function emit(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
