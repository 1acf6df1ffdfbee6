// @ts-check
/**
 * Runs one ZooKeeper server: the only place that knows how. The demo and the
 * tests (test/support) start theirs here.
 */
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
// Not the global one, which jest may have faked.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fourLetterWord } from './four-letter-word.mjs';
import { freePort } from './free-port.mjs';
import { findZookeeper, ZookeeperMissingError } from './installation.mjs';
import { logConfiguration, serverConfiguration } from './configuration.mjs';

/** @typedef {import('./configuration.mjs').ServerSettings} ServerSettings */

/**
 * @typedef {object} StartOptions
 * @property {number} [port] of clients; default: a free one
 * @property {string} [dataDir] a directory that shall stay; default: one of its
 *   own, removed by close()
 * @property {string[]} [jvmArgs] further arguments of the java command
 * @property {Record<string, string>} [env] in addition to this environment
 * @property {number} [startTimeoutMs] until it must serve; default 30 s
 * @property {(line: string) => void} [log]
 */

/** Cheap: small heap, quick start, and no files left behind by kill -9. */
const JVM_ARGS = [
  '-Xmx64m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  // Data that need not survive the machine: no fsync, no 64 MB log file.
  '-Dzookeeper.forceSync=no',
  '-Dzookeeper.preAllocSize=64',
];

const POLL_INTERVAL_MS = 10;
/** A server asked too early fails, and leaves the question unanswered. */
const ANSWER_TIMEOUT_MS = 250;
const OUTPUT_LIMIT = 8_000;

/**
 * Starts a server and waits until it serves.
 *
 * @param {StartOptions & ServerSettings} [options]
 * @returns {Promise<ZookeeperProcess>}
 */
export async function startZookeeper(options = {}) {
  for (let attemptsLeft = 5; ; attemptsLeft--) {
    const port = options.port ?? (await freePort());
    const server = await ZookeeperProcess.create({ ...options, port });
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.close();
      // Somebody else took the port since it was drawn.
      const again = options.port === undefined && attemptsLeft > 1;
      if (!again || !/BindException/.test(String(error))) {
        throw error;
      }
    }
  }
}

/**
 * A server that can be stopped and started again, on the same port with the same
 * data. It does not keep the process alive that started it, and goes with that
 * process however it ends (see support/guardian.mjs).
 */
export class ZookeeperProcess {
  /** @type {number} */ port;
  /** @type {string} where the server keeps its data */ dataDir;
  /** @type {number | undefined} of the running server, not of its guardian */
  pid;

  /** @type {StartOptions & ServerSettings & { port: number }} */ #options;
  /** @type {import('./installation.mjs').ZookeeperInstallation} */
  #installation;
  /** @type {string} configuration, and the data unless it is the caller's */
  #directory;
  /** @type {import('node:child_process').ChildProcess} */ #guardian;
  /** @type {Promise<string>} resolves when the started server has ended */
  #ended = Promise.resolve('never started');
  #output = '';
  #closed = false;

  /**
   * Prepares a server without starting it.
   *
   * @param {StartOptions & ServerSettings & { port: number }} options
   */
  static async create(options) {
    const installation = findZookeeper();
    if (!installation) {
      throw new ZookeeperMissingError();
    }
    const directory = await mkdtemp(join(tmpdir(), 'zookeeper-'));
    return new ZookeeperProcess(options, installation, directory);
  }

  /**
   * @private
   * @param {StartOptions & ServerSettings & { port: number }} options
   * @param {import('./installation.mjs').ZookeeperInstallation} installation
   * @param {string} directory
   */
  constructor(options, installation, directory) {
    this.port = options.port;
    this.dataDir = options.dataDir ?? join(directory, 'data');
    this.#options = options;
    this.#installation = installation;
    this.#directory = directory;
    const guardian = fileURLToPath(
      new URL('../support/guardian.mjs', import.meta.url),
    );
    this.#guardian = fork(guardian, [directory], {
      // Its own process group: Ctrl-C reaches the application, which may still
      // need the server to shut down in an orderly way.
      detached: true,
      execArgv: [],
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#guardian.stdout, this.#guardian.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output = (this.#output + chunk).slice(-OUTPUT_LIMIT);
      });
      if (stream instanceof Socket) {
        stream.unref();
      }
    }
    this.#setReferenced(false);
  }

  get connectionString() {
    return `127.0.0.1:${this.port}`;
  }

  get running() {
    return this.pid !== undefined;
  }

  /** The last lines that the server wrote. */
  get output() {
    return this.#output;
  }

  /** Starts the server, and waits until it serves clients. */
  async start() {
    if (this.#closed) {
      throw new Error('The ZooKeeper server has been closed.');
    }
    if (this.running) {
      return;
    }
    const startedAt = performance.now();
    await this.#launch(await this.#writeConfiguration());
    await this.#untilServing();
    const { description } = this.#installation;
    const tookMs = Math.round(performance.now() - startedAt);
    this.#options.log?.(
      `ZooKeeper serves on ${this.connectionString} after ${tookMs} ms: ${description}.`,
    );
  }

  /** Kills the server and waits for its end. Its data stay. */
  async stop() {
    if (this.pid === undefined) {
      return;
    }
    this.#setReferenced(true);
    process.kill(this.pid, 'SIGKILL');
    await this.#ended;
    this.#setReferenced(false);
  }

  /** Empties the data directory of a stopped server. */
  async wipe() {
    if (this.running) {
      throw new Error('Stop the ZooKeeper server before its data are removed.');
    }
    for (const name of await readdir(this.dataDir)) {
      await rm(join(this.dataDir, name), { recursive: true });
    }
  }

  /** Ends everything and removes what is its own. May be called again. */
  async close() {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    await this.stop();
    const guardian = this.#guardian;
    if (guardian.exitCode === null && guardian.signalCode === null) {
      const gone = new Promise((resolve) => guardian.once('exit', resolve));
      guardian.ref();
      guardian.disconnect();
      await gone;
    }
  }

  /** @returns {Promise<string>} the file */
  async #writeConfiguration() {
    await mkdir(this.dataDir, { recursive: true });
    const { port, dataDir } = this;
    const settings = { ...this.#options, port, dataDir };
    const file = join(this.#directory, 'zoo.cfg');
    await writeFile(file, serverConfiguration(settings));
    if (settings.serverId !== undefined) {
      await writeFile(join(dataDir, 'myid'), `${settings.serverId}\n`);
    }
    for (const [name, text] of Object.entries(logConfiguration)) {
      await writeFile(join(this.#directory, name), text);
    }
    return file;
  }

  /**
   * @param {string} configurationFile
   * @returns {Promise<void>} when the process runs
   */
  async #launch(configurationFile) {
    const { java, classpath } = this.#installation;
    const args = [
      ...JVM_ARGS,
      ...(this.#options.jvmArgs ?? []),
      '-cp',
      [this.#directory, ...classpath].join(delimiter),
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      configurationFile,
    ];
    this.#output = '';
    this.#setReferenced(true);
    await new Promise((resolve, reject) => {
      this.#ended = new Promise((resolveEnded) => {
        const ended = (/** @type {string} */ reason) => {
          this.#guardian.off('message', onMessage).off('exit', onGuardianExit);
          this.pid = undefined;
          resolveEnded(reason);
          reject(this.#startError(reason));
        };
        const onMessage = (/** @type {any} */ message) => {
          if (message.ended) {
            ended(message.ended);
          } else {
            this.pid = message.pid;
            resolve(undefined);
          }
        };
        const onGuardianExit = () => ended('its guardian ended');
        this.#guardian.on('message', onMessage).on('exit', onGuardianExit);
        this.#guardian.send({ command: java, args });
      });
    });
    this.#setReferenced(false);
  }

  async #untilServing() {
    const timeoutMs = this.#options.startTimeoutMs ?? 30_000;
    const deadline = performance.now() + timeoutMs;
    while (!(await this.#serves())) {
      if (!this.running) {
        throw this.#startError(await this.#ended);
      }
      if (performance.now() > deadline) {
        await this.stop();
        throw this.#startError(`not serving after ${timeoutMs} ms`);
      }
      await delay(POLL_INTERVAL_MS);
    }
  }

  /** Does not send "ruok": a server answers "imok" before it serves. */
  async #serves() {
    const ask = (/** @type {string} */ word) =>
      fourLetterWord(this.port, word, {
        timeoutMs: ANSWER_TIMEOUT_MS,
      }).catch(() => '');
    return (
      (await ask('srvr')).includes('Mode:') &&
      // Not some other server that took the port first.
      (await ask('conf')).includes(this.dataDir)
    );
  }

  /** @param {string} reason */
  #startError(reason) {
    const output = this.#output.trim() || '(it wrote nothing)';
    return new Error(
      `ZooKeeper did not start on ${this.connectionString} (${reason}). Its last output:\n${output}`,
    );
  }

  /** @param {boolean} referenced whether the process waits for the server */
  #setReferenced(referenced) {
    const { channel } = this.#guardian;
    if (referenced) {
      this.#guardian.ref();
      channel?.ref();
    } else {
      this.#guardian.unref();
      channel?.unref();
    }
  }
}
