// @ts-check
/**
 * What the protocol itself costs: the same requests as an election makes, with
 * the npm client alone, in this process and without any recipe around them.
 */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { IDLE_MS } from './samples.mjs';

const ZooKeeper = createRequire(import.meta.url)('zookeeper');
const EPHEMERAL_SEQUENTIAL = 3;
const NODE_EXISTS = -110;

/** A session of the npm client, and the requests whose time is taken. */
export class Floor {
  #client;
  #directory;

  /** @param {string} connect @param {string} directory */
  static async open(connect, directory) {
    const client = new ZooKeeper({
      connect,
      timeout: 60_000,
      debug_level: 1,
      host_order_deterministic: true,
    });
    await new Promise((resolve, reject) => {
      client.connect({}, (/** @type {unknown} */ error) =>
        error ? reject(error) : resolve(undefined),
      );
    });
    const floor = new Floor(client, directory);
    let path = '';
    for (const part of directory.slice(1).split('/')) {
      path += `/${part}`;
      await floor.create(path, 0);
    }
    return floor;
  }

  /** @private @param {any} client @param {string} directory */
  constructor(client, directory) {
    this.#client = client;
    this.#directory = directory;
  }

  /** @param {string} path @param {number} flags @returns {Promise<string>} */
  create(path, flags) {
    return new Promise((resolve, reject) => {
      this.#client.a_create(
        path,
        'floor',
        flags,
        (
          /** @type {number} */ code,
          /** @type {string} */ text,
          /** @type {string} */ created,
        ) =>
          code === 0 || code === NODE_EXISTS
            ? resolve(created)
            : reject(new Error(`create ${path}: ${text}`)),
      );
    });
  }

  /** @param {string} path @returns {Promise<void>} */
  delete(path) {
    return new Promise((resolve) => {
      this.#client.a_delete_(path, -1, () => resolve());
    });
  }

  /** One read: milliseconds. @returns {Promise<number>} */
  exists() {
    return new Promise((resolve) => {
      const from = performance.now();
      this.#client.a_exists(this.#directory, false, () =>
        resolve(performance.now() - from),
      );
    });
  }

  /** One write: milliseconds. @returns {Promise<number>} */
  set() {
    return new Promise((resolve) => {
      const from = performance.now();
      this.#client.a_set(this.#directory, 'floor', -1, () =>
        resolve(performance.now() - from),
      );
    });
  }

  /**
   * Joins participants that do nothing.
   *
   * @param {number} count
   * @param {string} [prefix] of their nodes' names
   */
  async addBystanders(count, prefix = 'zz-') {
    const path = `${this.#directory}/${prefix}`;
    for (let i = 0; i < count; i++) {
      await this.create(path, EPHEMERAL_SEQUENTIAL);
    }
  }

  /** A create and a listing sent together: milliseconds to the second reply. */
  async acquire() {
    const path = `${this.#directory}/n-`;
    const from = performance.now();
    const created = this.create(path, EPHEMERAL_SEQUENTIAL);
    await new Promise((resolve) => {
      this.#client.a_get_children(this.#directory, false, resolve);
    });
    const tookMs = performance.now() - from;
    await this.delete(await created);
    return tookMs;
  }

  /**
   * A node deleted here and watched by `next`: milliseconds to the event.
   *
   * @param {Floor} next
   */
  async handOver(next) {
    const node = await this.create(
      `${this.#directory}/n-`,
      EPHEMERAL_SEQUENTIAL,
    );
    return new Promise((resolve) => {
      let from = 0;
      next.#client.aw_exists(
        node,
        () => resolve(performance.now() - from),
        async () => {
          await sleep(IDLE_MS);
          from = performance.now();
          void this.delete(node);
        },
      );
    });
  }

  /**
   * Pairs of create and listing on `count` paths, all sent at once:
   * milliseconds to the last reply.
   *
   * @param {number} count
   */
  async many(count) {
    const paths = Array.from(
      { length: count },
      (_, i) => `${this.#directory}/p${i}`,
    );
    await Promise.all(paths.map((path) => this.create(path, 0)));
    const from = performance.now();
    const created = await Promise.all(
      paths.map(async (path) => {
        const node = this.create(`${path}/n-`, EPHEMERAL_SEQUENTIAL);
        await new Promise((resolve) => {
          this.#client.a_get_children(path, false, resolve);
        });
        return node;
      }),
    );
    const tookMs = performance.now() - from;
    await Promise.all(created.map((node) => this.delete(node)));
    return tookMs;
  }

  close() {
    this.#client.close();
  }
}
