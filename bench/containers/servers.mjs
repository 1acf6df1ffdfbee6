// @ts-check
/** The servers beside which instances die. */
import { createServer, connect } from 'node:net';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import { startZookeeper } from '../../scripts/zookeeper/server.mjs';
import { startTlsServer } from '../support/tls-server.mjs';

const SETTINGS = { tickTimeMs: 1000 };
const USER = { username: 'bench', password: 'secret' };

/**
 * @typedef {object} Servers
 * @property {string} title
 * @property {object} options by which instances reach them
 * @property {object} [ownOptions] likewise, the instance that dies
 * @property {() => void} lose the server of the instance that dies, if that is lost, too
 * @property {() => Promise<void>} restore
 * @property {() => Promise<void>} close
 */

const nothing = { lose: () => undefined, restore: async () => undefined };

/** @type {Record<string, () => Promise<Servers>>} */
export const SERVERS = {
  async one() {
    const server = await startZookeeper(SETTINGS);
    const { connectionString } = server;
    return {
      ...nothing,
      title: 'one ZooKeeper server',
      options: { connectionString },
      close: () => server.close(),
    };
  },

  async 'tls-sasl'() {
    const server = await startTlsServer(SETTINGS, USER);
    const { connectionString, ca } = server;
    const sasl = { mechanism: 'DIGEST-MD5', ...USER };
    return {
      ...nothing,
      title: 'one server, TLS and an enforced SASL login',
      options: { connectionString, tls: { ca }, sasl },
      close: () => server.close(),
    };
  },

  async ensemble() {
    const servers = await startEnsemble(3);
    const ways = await Promise.all(servers.map(({ port }) => Way.open(port)));
    return {
      title: 'three servers, that of the application lost at the same moment',
      options: {
        connectionString: servers.map((each) => each.connectionString).join(),
      },
      ownOptions: {
        connectionString: ways.map(({ port }) => `127.0.0.1:${port}`).join(),
      },
      lose: () => ways.forEach((way) => way.isUsed && way.block()),
      restore: async () => {
        await Promise.all(ways.map((way) => way.listen()));
      },
      close: async () => {
        ways.forEach((way) => way.block());
        await Promise.all(servers.map((each) => each.close()));
      },
    };
  },
};

/** @param {number} size */
async function startEnsemble(size) {
  /** @type {[string, string][]} */
  const lines = [];
  for (let id = 1; id <= size; id++) {
    const [peer, election] = [await freePort(), await freePort()];
    lines.push([`server.${id}`, `127.0.0.1:${peer}:${election}`]);
  }
  const config = {
    initLimit: 20,
    syncLimit: 10,
    ...Object.fromEntries(lines),
  };
  // Each serves when there is a quorum.
  return Promise.all(
    lines.map((_, index) =>
      startZookeeper({ ...SETTINGS, serverId: index + 1, config }),
    ),
  );
}

/** The way to one server, which can be blocked: connections are refused then. */
class Way {
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();
  #server = createServer((client) => this.#pass(client));

  /** @param {number} target port of the server */
  static async open(target) {
    const way = new Way(target, await freePort());
    await way.listen();
    return way;
  }

  /**
   * @param {number} target
   * @param {number} port
   */
  constructor(target, port) {
    this.target = target;
    this.port = port;
  }

  get isUsed() {
    return this.#sockets.size > 0;
  }

  async listen() {
    if (!this.#server.listening) {
      await new Promise((resolve) => {
        this.#server.listen(this.port, '127.0.0.1', () => resolve(undefined));
      });
    }
  }

  block() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** @param {import('node:net').Socket} client */
  #pass(client) {
    const server = connect(this.target, '127.0.0.1');
    for (const [from, to] of /** @type {const} */ ([
      [client, server],
      [server, client],
    ])) {
      this.#sockets.add(from);
      from
        .setNoDelay(true)
        .on('error', () => undefined)
        .on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        })
        .pipe(to);
    }
  }
}
