import { beforeEach, describe, expect, it } from '@jest/globals';
import { OwnerNode } from '../../../lib/partitions/owner-node.js';
import type { Partition } from '../../../lib/partitions/partition.js';
import type { ZookeeperClient } from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { ZookeeperError } from '../../../lib/zookeeper/zookeeper.error.js';

const PATH = '/owners/3';
const OURS = '0x1';
const NEXT = '0x2';

interface Node {
  data: string;
  version: number;
  readonly czxid: number;
  readonly ephemeralOwner: string;
}

/** One node, and what happens right before a request reaches the server. */
class OneNode {
  node: Node | undefined;
  before: Partial<Record<'set' | 'delete', () => void>> = {};
  #transactions = 0;

  create(ephemeralOwner: string, data: string): void {
    this.#transactions += 1;
    this.node = { data, version: 0, czxid: this.#transactions, ephemeralOwner };
  }

  get client(): ZookeeperClient {
    const client: Partial<ZookeeperClient> = {
      create: async (path, data) => {
        if (this.node) {
          throw new ZookeeperError('NODE_EXISTS', 'it is there');
        }
        this.create(OURS, data);
        return path;
      },
      get: async () => {
        const { data, ...stat } = this.#existing();
        return { data, stat } as never;
      },
      set: async (_path, data, version) => {
        this.#reach('set');
        const node = this.#existing(version);
        node.data = data;
        node.version += 1;
        return { ...node } as never;
      },
      delete: async (_path, version) => {
        this.#reach('delete');
        this.#existing(version);
        this.node = undefined;
      },
      unwatch: () => undefined,
    };
    return client as ZookeeperClient;
  }

  #reach(operation: 'set' | 'delete'): void {
    const happens = this.before[operation];
    delete this.before[operation];
    happens?.();
  }

  #existing(version?: number): Node {
    if (!this.node) {
      throw new ZookeeperError('NO_NODE', 'it is gone');
    }
    if (version !== undefined && version !== this.node.version) {
      throw new ZookeeperError('BAD_VERSION', 'it has changed');
    }
    return this.node;
  }
}

describe('the node of an owner that gives a partition up', () => {
  let server: OneNode;
  let node: OwnerNode;
  let looks: number;

  const look = async (): Promise<void> => {
    await node.claim('ours');
    node.admit(OURS, 1);
  };

  beforeEach(async () => {
    server = new OneNode();
    looks = 0;
    const partition = { path: PATH, state: { isLeading: false } };
    node = new OwnerNode(
      server.client,
      partition as unknown as Partition,
      () => {
        looks += 1;
      },
    );
    await look();
  });

  it('is removed', async () => {
    expect(node.state).toBe('ours');
    await node.remove();
    expect(server.node).toBeUndefined();
    expect(node.state).toBe('absent');
  });

  it.each(['set', 'delete'] as const)(
    'is not taken for that of the next owner, if somebody deletes it before the %s arrives',
    async (operation) => {
      server.before = { [operation]: () => server.create(NEXT, 'next') };
      await node.remove();
      expect(server.node).toMatchObject({ ephemeralOwner: NEXT });
      if (looks > 0) {
        await look();
        await node.remove();
      }
      expect(server.node).toMatchObject({ ephemeralOwner: NEXT });
      expect(node.state).toBe('absent');
    },
  );

  it('is removed in the end, if somebody writes into it meanwhile', async () => {
    server.before = {
      delete: () => {
        (server.node as Node).version += 1;
      },
    };
    await node.remove();
    expect(looks).toBe(1);
    await look();
    await node.remove();
    expect(server.node).toBeUndefined();
  });

  it('is left alone, if another instance has it by now', async () => {
    server.create(NEXT, 'next');
    await look();
    expect(node.state).toBe('foreign');
    await node.remove();
    expect(server.node).toMatchObject({ ephemeralOwner: NEXT, data: 'next' });
  });

  it('says what its owner has written, also after somebody else has written into it', async () => {
    (server.node as Node).data = 'another';
    await look();
    expect(node.state).toBe('ours');
    expect(server.node).toMatchObject({ data: 'ours' });
  });
});
