import { createHash } from 'node:crypto';
import type { ParticipantTasks } from '../election/leadership.interface.js';

/** An entry with more does not fit into one network packet. */
const MOST_NAMES = 50;
const MOST_BYTES = 1_000;

/** The list for an entry: as many names as fit, and a digest of the others. */
export function listTasks(names: readonly string[]): ParticipantTasks {
  const sorted = [...new Set(names)].toSorted();
  let bytes = 0;
  const listed = sorted.findIndex((name, index) => {
    bytes += Buffer.byteLength(JSON.stringify(name)) + 1;
    return index >= MOST_NAMES || bytes > MOST_BYTES;
  });
  const rest = listed < 0 ? [] : sorted.slice(listed);
  return Object.freeze({
    names: sorted.slice(0, sorted.length - rest.length),
    ...(rest.length > 0 && {
      more: { count: rest.length, digest: digestOf(rest) },
    }),
  });
}

/** Tasks that one list has and another lacks. */
export interface LackedTasks {
  readonly names: readonly string[];
  /** Whether the lists differ in what they do not name. */
  readonly mayBeMore: boolean;
}

const NONE: LackedTasks = { names: [], mayBeMore: false };

/** What `list` lacks of `other`; nothing where one of them is not known. */
export function lackedTasks(
  list: ParticipantTasks | undefined,
  other: ParticipantTasks | undefined,
): LackedTasks {
  if (!list || !other) {
    return NONE;
  }
  const end = endOf(list);
  const known = new Set(list.names);
  return {
    names: other.names.filter((name) => isUpTo(end, name) && !known.has(name)),
    mayBeMore: differAfter(list, other),
  };
}

/** Compares what one of the lists does not name. */
function differAfter(list: ParticipantTasks, other: ParticipantTasks): boolean {
  if (!list.more && !other.more) {
    return false;
  }
  const rest = restAfter(endOf(list), other);
  const ownRest = restAfter(endOf(other), list);
  const digest = list.more?.digest ?? ownRest;
  const otherDigest = other.more?.digest ?? rest;
  // A list that names all it has, and nothing after the end of the other one.
  const hasNothingMore = !other.more && rest === digestOf([]);
  return !hasNothingMore && digest !== otherDigest;
}

function restAfter(
  end: string | undefined,
  { names }: ParticipantTasks,
): string {
  return digestOf(names.filter((name) => !isUpTo(end, name)));
}

/** The last name of a list that names only the first ones. */
function endOf({ names, more }: ParticipantTasks): string | undefined {
  return more && (names.at(-1) ?? '');
}

function isUpTo(end: string | undefined, name: string): boolean {
  return end === undefined || name <= end;
}

function digestOf(names: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify(names))
    .digest('base64url')
    .slice(0, 16);
}
