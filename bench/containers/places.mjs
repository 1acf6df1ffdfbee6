// @ts-check
import { spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { descendants } from '../../scripts/support/process-table.mjs';

const INSTANCE = fileURLToPath(new URL('instance.mjs', import.meta.url));
const CLI = fileURLToPath(
  new URL('../../dist/esm/cli/cli.main.js', import.meta.url),
);
const MEMORY_CGROUPS = '/sys/fs/cgroup/memory';
const MEMORY_BYTES = 320 * 1024 * 1024;
/** A container: when its first process ends, all others are killed. */
const CONTAINER = [
  'unshare',
  ...['--pid', '--fork', '--mount-proc', '--kill-child'],
];

/**
 * Where an instance runs: what stands in front of "node instance.mjs".
 * `hasGuardian`: one that outlives the application.
 *
 * @typedef {object} PlaceOfInstance
 * @property {string} title
 * @property {string[]} before
 * @property {string} [needs]
 * @property {true} [sidecar]
 * @property {true} [isContainer]
 * @property {true} [hasGuardian]
 */

/** @type {Record<string, PlaceOfInstance>} */
export const PLACES = {
  bare: { title: 'bare', before: [], hasGuardian: true },
  first: { title: 'node as process 1', before: CONTAINER, isContainer: true },
  tini: {
    title: 'tini',
    before: [...CONTAINER, 'tini', '--'],
    needs: 'tini',
    isContainer: true,
  },
  dumb: {
    title: 'dumb-init',
    before: [...CONTAINER, 'dumb-init', '--'],
    needs: 'dumb-init',
    isContainer: true,
  },
  run: {
    title: '`run`',
    before: [...CONTAINER, process.execPath, CLI, 'run', '--'],
    isContainer: true,
    hasGuardian: true,
  },
  // Processes of a pod with a shared namespace see each other.
  sidecar: { title: 'sidecar', before: [], sidecar: true },
  // And without, they do not.
  apart: {
    title: 'sidecar, own process namespaces',
    before: CONTAINER,
    sidecar: true,
    isContainer: true,
  },
};

/**
 * Why instances cannot run there; undefined if they can.
 *
 * @param {string} name
 */
export function whyNot(name) {
  const { needs, isContainer } = PLACES[name] ?? {};
  if (
    isContainer &&
    spawnSync('unshare', [...CONTAINER.slice(1), 'true']).status !== 0
  ) {
    return 'this user may not make process namespaces';
  }
  if (needs && spawnSync(needs, ['--version']).error) {
    return `${needs} is not installed`;
  }
  return undefined;
}

/** Whether there is a memory cgroup (v1) that this user may use. */
export function canLimitMemory() {
  const folder = path.join(MEMORY_CGROUPS, `bench-${process.pid}-try`);
  try {
    mkdirSync(folder);
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

/**
 * @typedef {object} Settings
 * @property {object} options of the module
 * @property {string} election
 * @property {string} die how
 * @property {boolean} isLimited by a memory cgroup
 */

/** One instance, and all that stands for its container. */
export class Instance {
  /** @type {{ type: string, atNs: bigint }[]} */
  events = [];
  /** When V8 has said its last. */
  lastWordsNs = 0n;
  /** When the kernel has closed the files of the application's process. */
  filesClosedNs = 0n;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  child;
  #cgroup = '';
  #folder = '';
  #lifeline = createServer((socket) => {
    socket.resume().on('close', () => {
      this.filesClosedNs = process.hrtime.bigint();
    });
  });
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #sidecar;

  /**
   * @param {string} place
   * @param {Settings} settings
   */
  static async start(place, settings) {
    const instance = new Instance();
    await instance.#start(place, settings);
    return instance;
  }

  /** The number of node itself, and those of the whole container. */
  pids() {
    const { pid } = this.child ?? {};
    const all = [
      Number(pid),
      ...descendants(Number(pid)).map((entry) => entry.pid),
    ];
    return { node: all.filter((each) => isInstance(each)).at(-1), all };
  }

  /** @param {string} type */
  when(type) {
    return this.events.findLast((event) => event.type === type)?.atNs;
  }

  /** How often the kernel has killed for memory. */
  oomKills() {
    const text = readFileSync(
      path.join(this.#cgroup, 'memory.oom_control'),
      'utf8',
    );
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  async close() {
    for (const pid of this.pids().all) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    this.#sidecar?.kill('SIGKILL');
    this.#lifeline.close();
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
    for (let tries = 0; this.#cgroup && tries < 100; tries++) {
      try {
        rmdirSync(this.#cgroup);
        break;
      } catch {
        await sleep(50);
      }
    }
  }

  /**
   * @param {string} place
   * @param {Settings} settings
   */
  async #start(place, { options, election, die, isLimited }) {
    const { before = [], sidecar } = PLACES[place] ?? {};
    const lifeline = `\0bench-${process.pid}-${election}-${Date.now()}`;
    this.#lifeline.listen(lifeline);
    let guardian = {};
    if (sidecar) {
      this.#folder = mkdtempSync(path.join(tmpdir(), 'bench-sidecar-'));
      const socket = path.join(this.#folder, 'guardian.sock');
      const listener = spawn(process.execPath, [
        ...[CLI, 'guardian', '--listen', socket],
      ]);
      this.#sidecar = listener;
      await new Promise((resolve) => listener.stdout.once('data', resolve));
      guardian = { guardian: { socket } };
    }
    const node = [
      process.execPath,
      ...(die === 'heap' ? ['--max-old-space-size=100'] : []),
      INSTANCE,
    ];
    let command = [...before, ...node];
    if (isLimited) {
      this.#cgroup = path.join(
        MEMORY_CGROUPS,
        `bench-${process.pid}-${election}-${Date.now()}`,
      );
      mkdirSync(this.#cgroup);
      writeFileSync(
        path.join(this.#cgroup, 'memory.limit_in_bytes'),
        String(MEMORY_BYTES),
      );
      writeFileSync(
        path.join(this.#cgroup, 'memory.memsw.limit_in_bytes'),
        String(MEMORY_BYTES),
      );
      command = [
        'sh',
        '-c',
        `echo $$ > ${this.#cgroup}/cgroup.procs; exec "$@"`,
        'sh',
        ...command,
      ];
    }
    const [file = '', ...args] = command;
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        DIE: die,
        LIFELINE: lifeline.replace('\0', '@'),
        ELECTION: election,
        OPTIONS: JSON.stringify({ ...options, ...guardian }),
      },
    });
    this.child = child;
    child.stderr.on('data', () => {
      this.lastWordsNs = process.hrtime.bigint();
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, type, atNs] = /^(\w+) (\d+)$/.exec(line) ?? [];
      if (type && atNs) this.events.push({ type, atNs: BigInt(atNs) });
    });
  }
}

/** @param {number} pid */
function isInstance(pid) {
  const [file = '', ...args] = commandLine(pid).split('\0');
  return (
    file === process.execPath && args.includes(INSTANCE) && !args.includes(CLI)
  );
}

/** @param {number} pid */
function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}
