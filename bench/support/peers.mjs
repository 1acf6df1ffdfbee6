// @ts-check
/** The other libraries: what they need on this machine, and how they are run. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEtcd } from './etcd.mjs';

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} packages Debian packages that it takes
 * @property {readonly string[]} metrics
 * @property {() => boolean} isInstalled
 * @property {(connect: string, metric: string, parameters: string[]) => string[]}
 *   command
 * @property {typeof startEtcd} [startServer] where it needs one of its own
 */

const directory = fileURLToPath(new URL('../peers', import.meta.url));
const JARS = [
  'curator-recipes',
  'curator-framework',
  'curator-client',
  'zookeeper',
  'zookeeper-jute',
  'guava',
  'slf4j-api',
  'slf4j-nop',
].map((name) => `/usr/share/java/${name}.jar`);
/** Debian's own, which sees the packages of python3-kazoo. */
const PYTHON = '/usr/bin/python3';

/** @type {string | undefined} */
let classes;

function compiledClasses() {
  if (classes === undefined) {
    classes = mkdtempSync(join(tmpdir(), 'bench-classes-'));
    const sources = readdirSync(directory)
      .filter((file) => file.endsWith('.java'))
      .map((file) => join(directory, file));
    execFileSync('javac', ['-d', classes, '-cp', JARS.join(':'), ...sources]);
  }
  return classes;
}

/** @param {string} command @param {string[]} parameters */
function succeeds(command, parameters) {
  try {
    execFileSync(command, parameters, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** @type {readonly Peer[]} */
export const peers = [
  {
    name: 'own',
    packages: '',
    metrics: [
      'acquire',
      'acquire_new_path',
      'connect_acquire',
      'first_leadership',
      'request',
      'handover',
      'handover_requests',
      'participants',
      'crash_failover',
      'crash_failover_both',
      'crash_failover_tls',
      'many',
      'many_large',
      'many_memory',
      'storm',
      'idle',
      'event_loop',
      'footprint',
      'guard',
      'ledger_claim',
      'ledger_load',
    ],
    isInstalled: () => true,
    command: (connect, metric, parameters) => [
      process.execPath,
      '--expose-gc',
      fileURLToPath(
        new URL(
          ['guard', 'ledger_claim', 'ledger_load'].includes(metric)
            ? '../guard.mjs'
            : '../own.mjs',
          import.meta.url,
        ),
      ),
      connect,
      metric,
      ...parameters,
    ],
  },
  {
    name: 'curator',
    packages:
      'default-jdk-headless libcurator-recipes-java ' +
      'libcurator-framework-java libcurator-client-java',
    metrics: [
      'acquire',
      'acquire_new_path',
      'connect_acquire',
      'handover',
      'handover_requests',
      'crash_failover',
      'many',
      'storm',
    ],
    isInstalled: () =>
      JARS.every((jar) => existsSync(jar)) && succeeds('javac', ['-version']),
    command: (connect, metric, parameters) => [
      'java',
      '-Xmx2g',
      '-cp',
      [compiledClasses(), ...JARS].join(':'),
      'CuratorBench',
      connect,
      metric,
      ...parameters,
    ],
  },
  {
    name: 'kazoo',
    packages: 'python3-kazoo',
    metrics: [
      'acquire',
      'acquire_new_path',
      'connect_acquire',
      'handover',
      'crash_failover',
      'storm',
    ],
    isInstalled: () => succeeds(PYTHON, ['-c', 'import kazoo']),
    command: (connect, metric, parameters) => [
      PYTHON,
      join(directory, 'kazoo_bench.py'),
      connect,
      metric,
      // kazoo counts its timeout in seconds.
      ...parameters.map((each) =>
        each.startsWith('timeout=')
          ? `timeout=${Number(each.slice('timeout='.length)) / 1_000}`
          : each,
      ),
    ],
  },
  {
    name: 'etcd',
    packages: 'etcd-server etcd-client',
    metrics: ['acquire', 'handover', 'crash_failover'],
    isInstalled: () =>
      succeeds('etcd', ['--version']) && succeeds('etcdctl', ['version']),
    startServer: startEtcd,
    command: (connect, metric, parameters) => [
      PYTHON,
      join(directory, 'etcd_bench.py'),
      connect,
      metric,
      // etcd calls it the time to live, and counts it in seconds.
      ...parameters.map((each) =>
        each.startsWith('timeout=')
          ? `ttl=${Number(each.slice('timeout='.length)) / 1_000}`
          : each,
      ),
    ],
  },
];
