import { readdirSync, readFileSync } from 'node:fs';

/** A process, identified beyond the reuse of its number. */
export interface ProcessEntry {
  pid: number;
  parentPid: number;
  /** 'R' running, 'S' sleeping, 'T' stopped, 'Z' ended but not yet reaped, ... */
  state: string;
  /** In clock ticks since the machine started. */
  startTime: string;
}

/** The children of a process, their children, and so on: Linux only. */
export function descendants(pid: number): ProcessEntry[] {
  const table = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processEntry(Number(name)))
    .filter((entry) => entry !== undefined);
  const found: ProcessEntry[] = [];
  let parents = [pid];
  while (parents.length > 0) {
    const children = table.filter((entry) => parents.includes(entry.parentPid));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** Undefined when there is no such process (any more). */
export function processEntry(pid: number): ProcessEntry | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the name, in parentheses, and may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', parentPid] = fields;
  const startTime = fields[19] ?? '';
  return { pid, parentPid: Number(parentPid), state, startTime };
}

/** Whether that very process exists and has not ended. */
export function isRunning({ pid, startTime }: ProcessEntry): boolean {
  const now = processEntry(pid);
  return now?.startTime === startTime && now.state !== 'Z';
}
