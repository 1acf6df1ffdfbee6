import { readFileSync, readlinkSync } from 'node:fs';

/**
 * A process, in a way that another process cannot be taken for it: numbers of
 * processes are given again.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** In ticks since the machine has started; undefined where nobody tells. */
  readonly startTime: string | undefined;
  /** Which processes the number counts among; undefined where nobody tells. */
  readonly namespace: string | undefined;
}

/** Whether a process lives; `unknown` where it cannot be looked at. */
export type Life = 'alive' | 'gone' | 'unknown';

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    startTime: ownStartTime(),
    namespace: ownNamespace(),
  };
}

function ownStartTime(): string | undefined {
  try {
    return readStat(process.pid)?.startTime;
  } catch {
    // As without a free file descriptor, or with Node's option --permission.
    return undefined;
  }
}

/**
 * A look at the process `other` that can be repeated. The first one decides how:
 * a process that cannot be found while it lives is `unknown` for ever, because
 * that it is not found says nothing then.
 */
export function lookerAt(other: ProcessIdentity): () => Life {
  const isVisible =
    other.startTime !== undefined &&
    other.namespace === ownNamespace() &&
    readStat(other.pid)?.startTime === other.startTime;
  return isVisible ? () => lifeOf(other) : () => 'unknown';
}

/**
 * The same for the parent of this process, which has said who it is. It is gone
 * when this process has another parent, or when its number belongs to nobody or
 * to somebody else.
 */
export function lookerAtParent(parent: ProcessIdentity): () => Life {
  return () => {
    if (process.ppid === parent.pid) {
      return 'alive';
    }
    return parent.startTime === undefined || parent.namespace !== ownNamespace()
      ? 'gone'
      : lifeOf(parent);
  };
}

function lifeOf({ pid, startTime }: ProcessIdentity): Life {
  try {
    const stat = readStat(pid);
    return stat?.startTime === startTime && !stat?.isOver ? 'alive' : 'gone';
  } catch {
    // As without a free file descriptor: nothing has been seen.
    return 'alive';
  }
}

/**
 * Undefined if there is no such process.
 *
 * @throws if it could not be looked at
 */
function readStat(
  pid: number,
): { startTime: string; isOver: boolean } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') {
      return undefined;
    }
    throw error;
  }
  // The name of the program stands in parentheses and may have any in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  return {
    startTime: fields[19] ?? '',
    isOver: state === 'Z' || state === 'X',
  };
}

function ownNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return undefined;
  }
}
