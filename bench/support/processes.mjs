// @ts-check
/** Processes, as Linux counts what they use, and programs of this library in them. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @param {number} pid @returns {number[]} */
export function childrenOf(pid) {
  const file = `/proc/${pid}/task/${pid}/children`;
  return readFileSync(file, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

/** @param {number} pid */
export function residentMib(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** What no other process uses: code of Node.js, for example, is shared. */
export function privateMib(/** @type {number} */ pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const sizes = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)];
  return sizes.reduce((sum, [, kib]) => sum + Number(kib), 0) / 1024;
}

/** CPU time of all threads of a process so far, as the scheduler counts it. */
export function cpuMs(/** @type {number} */ pid) {
  return tasksOf(pid).reduce((sum, task) => {
    const [ns] = readFileSync(`${task}/schedstat`, 'utf8').split(' ');
    return sum + Number(ns) / 1e6;
  }, 0);
}

/** How often a process has been woken so far. */
export function wakeUps(/** @type {number} */ pid) {
  return tasksOf(pid).reduce((sum, task) => {
    const status = readFileSync(`${task}/status`, 'utf8');
    return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  }, 0);
}

/** @param {number} pid */
function tasksOf(pid) {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).map((task) => `${folder}/${task}`);
}

export function heapUsed() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/**
 * Starts an instance in a process of its own. Resolves when it leads.
 *
 * @param {object} options of the module
 */
export async function leadingChild(options) {
  const main = fileURLToPath(
    new URL('../../test/support/instance.main.mjs', import.meta.url),
  );
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, OPTIONS: JSON.stringify(options) },
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('"leading"')) {
      return { pid: Number(child.pid) };
    }
  }
  throw new Error('The child ended before it led.');
}

/**
 * Runs a module given as text, from the root of the project. Resolves to the
 * numbers that it prints.
 *
 * @param {string} script
 * @returns {Promise<number[]>}
 */
export async function evaluate(script) {
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--input-type=module', '-e', script],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: ROOT },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  return output.trim().split(' ').map(Number);
}
