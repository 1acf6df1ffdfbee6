// @ts-check
/** The same requests as an election makes, with the client of this library alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './instances.mjs';
import { IDLE_MS } from './samples.mjs';

/** @param {string} file */
const load = (file) =>
  import(new URL(`../../dist/esm/${file}`, import.meta.url).href);
const { WireClient } = await load('zookeeper/wire-client.js');
const { NodePaths } = await load('node-paths.js');

/** A session, and the requests whose time is taken: as {@link Floor}. */
export class OwnClient {
  /** @type {import('../../lib/zookeeper/wire-client.js').WireClient} */ #client;
  #directory;

  /** @param {string} connect @param {string} directory that exists */
  static async open(connect, directory) {
    const [host = '', port] = connect.split(':');
    const client = new WireClient({
      servers: [{ host, port: Number(port) }],
      sessionTimeoutMs: 60_000,
      acl: 'open',
      paths: new NodePaths(directory),
    });
    await client.start();
    await until(() => client.connection.state === 'connected');
    return new OwnClient(client, directory);
  }

  /**
   * @private
   * @param {import('../../lib/zookeeper/wire-client.js').WireClient} client
   * @param {string} directory
   */
  constructor(client, directory) {
    this.#client = client;
    this.#directory = directory;
  }

  /** One read: milliseconds. */
  async exists() {
    const from = performance.now();
    await this.#client.get(this.#directory);
    return performance.now() - from;
  }

  /** A create and a listing sent together: milliseconds to the second reply. */
  async acquire() {
    const from = performance.now();
    const [path] = await Promise.all([
      this.#create(),
      this.#client.getChildren(this.#directory),
    ]);
    const tookMs = performance.now() - from;
    await this.#client.delete(path);
    return tookMs;
  }

  /**
   * A node deleted here and watched by `next`: milliseconds to the event.
   *
   * @param {OwnClient} next
   */
  async handOver(next) {
    const node = await this.#create();
    /** @type {(atMs: number) => void} */
    let heard = () => undefined;
    const event = new Promise((resolve) => {
      heard = resolve;
    });
    await next.#client.get(node, () => heard(performance.now()));
    await sleep(IDLE_MS);
    const from = performance.now();
    void this.#client.delete(node);
    return (await event) - from;
  }

  #create() {
    return this.#client.create(
      `${this.#directory}/n-`,
      'floor',
      'ephemeral-sequential',
    );
  }

  close() {
    return this.#client.close();
  }
}
