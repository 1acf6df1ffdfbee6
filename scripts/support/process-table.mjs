// @ts-check
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * A process, identified beyond the reuse of its number.
 *
 * @typedef {object} ProcessEntry
 * @property {number} pid
 * @property {number} parentPid
 * @property {string} state 'R' running, 'S' sleeping, 'T' stopped, 'Z' ended but
 *   not yet reaped, ...
 * @property {string} startTime in clock ticks since the machine started; where
 *   there is no /proc, as ps writes it
 */

const hasProc = process.platform === 'linux';

/**
 * The children of a process, their children, and so on.
 *
 * @param {number} pid
 * @returns {ProcessEntry[]}
 */
export function descendants(pid) {
  const table = hasProc ? tableOfProc() : tableOfPs(['-A']);
  /** @type {ProcessEntry[]} */
  const found = [];
  let parents = [pid];
  while (parents.length > 0) {
    const children = table.filter((entry) => parents.includes(entry.parentPid));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/**
 * Undefined when there is no such process (any more).
 *
 * @param {number} pid
 * @returns {ProcessEntry | undefined}
 */
export function processEntry(pid) {
  if (!hasProc) {
    return tableOfPs(['-p', String(pid)])[0];
  }
  let stat;
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

/**
 * Whether that very process exists and has not ended.
 *
 * @param {ProcessEntry} entry
 */
export function isRunning({ pid, startTime }) {
  const now = processEntry(pid);
  return now?.startTime === startTime && now.state !== 'Z';
}

function tableOfProc() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processEntry(Number(name)))
    .filter((entry) => entry !== undefined);
}

/**
 * @param {string[]} selection
 * @returns {ProcessEntry[]}
 */
function tableOfPs(selection) {
  const format = ['-o', 'pid=,ppid=,state=,lstart='];
  const { stdout } = spawnSync('ps', [...selection, ...format], {
    encoding: 'utf8',
  });
  return (stdout ?? '').split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S)\S*\s+(.*?)\s*$/.exec(line);
    const [, pid, parentPid, state = '', startTime = ''] = match ?? [];
    return match
      ? [{ pid: Number(pid), parentPid: Number(parentPid), state, startTime }]
      : [];
  });
}
