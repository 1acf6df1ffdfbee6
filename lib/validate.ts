import { inspect } from 'node:util';
import { isOneLine } from './untrusted-data.js';

/** The names of all options, one a line: any other name is refused. */
export type OptionTable<Options extends object> = Readonly<
  Record<keyof Options, true>
>;

/** The bounds of a number, both included, and what stands for `undefined`. */
export interface NumberBounds {
  readonly least: number;
  /** Default: the longest time that a timer of Node.js can wait. */
  readonly most?: number;
  readonly fallback: number;
}

/** `setTimeout()` fires at once for anything longer. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

const LONGEST_NAME = 200;
const LONGEST_SHOWN = 200;
/** Options whose value no error shows, nor anything inside them. */
const SECRET_OPTIONS = /^(credentials|sasl|tls)\b/;

/**
 * Checks the options of one module, decorator or function. Every failure is a
 * `TypeError` that names the option, its value and the fix.
 */
export class OptionChecks {
  /**
   * @param owner whose options they are, as in `ZookeeperLeaderModule`
   */
  constructor(private readonly owner: string) {}

  error(
    option: string,
    value: unknown,
    problem: string,
    expected?: string,
  ): TypeError {
    const hint = expected === undefined ? '' : ` Expected ${expected}.`;
    const shown = describeValue(option, value);
    return new TypeError(
      `${this.owner}: option ${option}${shown} ${problem}.${hint}`.replace(
        /\.\.( |$)/g,
        '.$1',
      ),
    );
  }

  /**
   * An object that has no options but those of the table.
   *
   * @param path the option that the object is; none for all options together
   */
  object<Options extends object>(
    value: unknown,
    table: OptionTable<Options>,
    path?: string,
  ): Options {
    if (
      typeof value !== 'object' ||
      value === null ||
      Array.isArray(value) ||
      value instanceof Promise
    ) {
      throw path === undefined
        ? new TypeError(
            `${this.owner}: the options are ${kindOf(value)}. Expected an object`,
          )
        : this.error(path, value, `is ${kindOf(value)}`, 'an object');
    }
    const known = Object.keys(table);
    const unknown = Object.keys(value).find((name) => !known.includes(name));
    if (unknown !== undefined) {
      throw this.#unknown(unknown, known, path);
    }
    return value as Options;
  }

  flag(option: string, value: unknown, fallback: boolean): boolean {
    if (value !== undefined && typeof value !== 'boolean') {
      throw this.error(option, value, 'is not a boolean', 'true or false');
    }
    return value ?? fallback;
  }

  oneOf<Value extends string>(
    option: string,
    value: unknown,
    allowed: readonly Value[],
    fallback: Value,
  ): Value {
    const found = allowed.find((each) => each === (value ?? fallback));
    if (found === undefined || value === null) {
      const expected = allowed.map((each) => `'${each}'`).join(' or ');
      throw this.error(option, value, 'is unknown', expected);
    }
    return found;
  }

  /** A number of milliseconds; `Infinity` only where `most` is. */
  milliseconds(option: string, value: unknown, bounds: NumberBounds): number {
    return this.#number(option, value, bounds, 'whole number of milliseconds');
  }

  wholeNumber(option: string, value: unknown, bounds: NumberBounds): number {
    return this.#number(option, value, bounds, 'whole number');
  }

  /** A text that can be the name of something. */
  name(option: string, value: unknown, expected?: string): string {
    if (
      typeof value !== 'string' ||
      value.trim() === '' ||
      value.length > LONGEST_NAME
    ) {
      throw this.error(
        option,
        value,
        'is not a name',
        expected ?? `a text of 1 to ${LONGEST_NAME} characters`,
      );
    }
    if (/\p{Surrogate}/u.test(value)) {
      throw this.error(option, value, 'is not well-formed Unicode');
    }
    if (!isOneLine(value)) {
      // Other instances would not show it.
      throw this.error(
        option,
        value,
        'has a line break or a control character',
        'a text of one line',
      );
    }
    return value;
  }

  #number(
    option: string,
    value: unknown,
    { least, most = LONGEST_TIMER_MS, fallback }: NumberBounds,
    what: string,
  ): number {
    const number = value === undefined ? fallback : value;
    const isWhole = Number.isInteger(number) || number === Infinity;
    if (
      !isWhole ||
      !((number as number) >= least && (number as number) <= most)
    ) {
      const range =
        most === Infinity ? `of ${least} or more` : `from ${least} to ${most}`;
      const problem =
        typeof number === 'number' ? 'is out of range' : 'is not a number';
      throw this.error(option, value, problem, `a ${what} ${range}`);
    }
    return number as number;
  }

  #unknown(name: string, known: readonly string[], path = ''): TypeError {
    const prefix = path === '' ? '' : `${path}.`;
    const meant = nearest(name, known);
    const hint =
      meant === undefined
        ? `The options are ${known.join(', ')}.`
        : `Did you mean ${prefix}${meant}?`;
    return new TypeError(
      `${this.owner}: there is no option ${prefix}${name}. ${hint}`,
    );
  }
}

/** The name that somebody meant who wrote `name`; undefined if none is near. */
export function nearest(
  name: string,
  names: readonly string[],
): string | undefined {
  const wanted = name.toLowerCase();
  const distances = names.map((each) => {
    const other = each.toLowerCase();
    const isPart = wanted.length > 3 && other.startsWith(wanted);
    return { each, distance: isPart ? 1 : editDistance(wanted, other) };
  });
  const most = Math.max(1, Math.floor(name.length / 3));
  return distances
    .filter(({ distance }) => distance <= most)
    .toSorted((a, b) => a.distance - b.distance)[0]?.each;
}

/** How many letters to change, add, drop or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwap = i > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (isSame ? 0 : 1),
        isSwap ? (before[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** With a blank before it; empty where there is none or it is not to be shown. */
function describeValue(option: string, value: unknown): string {
  if (value === undefined || SECRET_OPTIONS.test(option)) {
    return '';
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    // Who knows what is in it.
    return ` (${kindOf(value)})`;
  }
  // inspect() writes all separators of lines as escapes but these.
  const text = inspect(value, { depth: 0, breakLength: Infinity })
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);
  return text.length > LONGEST_SHOWN
    ? ` ${text.slice(0, LONGEST_SHOWN)}...`
    : ` ${text}`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) {
    return String(value);
  }
  if (Array.isArray(value)) {
    return 'a list';
  }
  if (value instanceof Promise) {
    return 'a promise';
  }
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
