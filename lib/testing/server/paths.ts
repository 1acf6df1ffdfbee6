import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import { Refusal } from './refusal.js';

/** Nodes of the server itself, which stay. */
const SPECIAL_PATHS: ReadonlySet<string> = new Set([
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  '/zookeeper/config',
]);

/** Of characters, from and to: controls, surrogates and private use, specials. */
const FORBIDDEN: readonly (readonly [number, number])[] = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0xd800, 0xf8ff],
  [0xfff0, 0xffff],
];

/** @throws {Refusal} if there can be no node of this path */
export function checkPath(path: string): void {
  const isFine =
    path === '/' ||
    (path.startsWith('/') &&
      !hasForbidden(path) &&
      path
        .slice(1)
        .split('/')
        .every((name) => name !== '' && name !== '.' && name !== '..'));
  if (!isFine) {
    throw new Refusal(RESULT_CODES.badArguments);
  }
}

/**
 * The parent's path, `''` for the root, of the node to create.
 *
 * @throws {Refusal}
 */
export function parentForCreate(path: string): string {
  if (!path.includes('/') || path.includes('\0')) {
    throw new Refusal(RESULT_CODES.badArguments);
  }
  return parentOf(path);
}

/**
 * The parent's path, `''` for the root, of the node to delete.
 *
 * @throws {Refusal} also for a node of the server itself
 */
export function parentForDelete(path: string): string {
  if (SPECIAL_PATHS.has(path)) {
    throw new Refusal(RESULT_CODES.badArguments);
  }
  return parentForCreate(path);
}

function hasForbidden(path: string): boolean {
  return Array.from({ length: path.length }, (_, at) =>
    path.charCodeAt(at),
  ).some((code) => FORBIDDEN.some(([from, to]) => code >= from && code <= to));
}

/** `''` for the root. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A number as it ends the name of a sequential node: ten places. */
export function sequenceNumber(value: number): string {
  return value < 0
    ? `-${String(-value).padStart(9, '0')}`
    : String(value).padStart(10, '0');
}
