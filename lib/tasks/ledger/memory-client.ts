import { BehaviorSubject } from 'rxjs';
import { NodePaths } from '../../node-paths.js';
import { parentOf } from '../../zookeeper/ensure-path.js';
import type {
  ChildList,
  Connection,
  NodeContent,
  NodeEvent,
  NodeStat,
  NodeWatcher,
} from '../../zookeeper/zookeeper-client.interface.js';
import { ZookeeperError } from '../../zookeeper/zookeeper.error.js';
import type { NodeClient, Nodes } from '../../session/nodes.js';

interface MemoryNode {
  readonly data: string;
  readonly stat: NodeStat;
  readonly watchers: Set<NodeWatcher>;
  readonly childWatchers: Set<NodeWatcher>;
}

/**
 * The nodes of an application without ZooKeeper, or of a fake cluster: they live
 * as long as the process, and every request succeeds or fails as a server would.
 */
export class MemoryClient implements NodeClient {
  readonly connection: Connection = { state: 'connected', epoch: 1 };
  readonly connection$ = new BehaviorSubject(this.connection);
  readonly #nodes = new Map<string, MemoryNode>([['/', newNode('', 0)]]);
  #transactions = 0;

  async create(path: string, data: string): Promise<string> {
    const parent = this.#find(parentOf(path));
    if (this.#nodes.has(path)) {
      throw new ZookeeperError('NODE_EXISTS', `${path} exists`, path);
    }
    this.#nodes.set(path, newNode(data, ++this.#transactions));
    fire(parent.childWatchers, 'children');
    return path;
  }

  async get(path: string, watcher?: NodeWatcher): Promise<NodeContent> {
    const { data, stat, watchers } = this.#find(path);
    if (watcher) {
      watchers.add(watcher);
    }
    return { data, stat };
  }

  async getChildren(path: string, watcher?: NodeWatcher): Promise<ChildList> {
    const { stat, childWatchers } = this.#find(path);
    if (watcher) {
      childWatchers.add(watcher);
    }
    const children = [...this.#nodes.keys()]
      .filter((each) => each !== '/' && parentOf(each) === path)
      .map((each) => each.slice(path.length + 1));
    return { children, stat };
  }

  async set(path: string, data: string, version?: number): Promise<NodeStat> {
    const node = this.#expect(path, version);
    const stat = {
      ...node.stat,
      version: node.stat.version + 1,
      mzxid: ++this.#transactions,
      modifiedAtMs: Date.now(),
    };
    this.#nodes.set(path, { ...node, data, stat });
    fire(node.watchers, 'changed');
    return stat;
  }

  async delete(path: string, version?: number): Promise<void> {
    const node = this.#expect(path, version);
    this.#nodes.delete(path);
    fire(node.watchers, 'deleted');
    fire(node.childWatchers, 'deleted');
    const parent = this.#nodes.get(parentOf(path));
    if (parent) {
      fire(parent.childWatchers, 'children');
    }
  }

  async sync(): Promise<void> {
    // Everything is seen at once.
  }

  #find(path: string): MemoryNode {
    const node = this.#nodes.get(path);
    if (!node) {
      throw new ZookeeperError('NO_NODE', `${path} does not exist`, path);
    }
    return node;
  }

  #expect(path: string, version: number | undefined): MemoryNode {
    const node = this.#find(path);
    if (version !== undefined && version !== node.stat.version) {
      throw new ZookeeperError('BAD_VERSION', `${path} has changed`, path);
    }
    return node;
  }
}

/** Nodes that nobody else has. */
export function memoryNodes(): Nodes {
  return { client: new MemoryClient(), paths: new NodePaths('/memory') };
}

function newNode(data: string, transaction: number): MemoryNode {
  const now = Date.now();
  return {
    data,
    stat: {
      czxid: transaction,
      mzxid: transaction,
      pzxid: transaction,
      version: 0,
      numChildren: 0,
      ephemeralOwner: '0',
      createdAtMs: now,
      modifiedAtMs: now,
    },
    watchers: new Set(),
    childWatchers: new Set(),
  };
}

/** Each watcher once, in a turn of its own. */
function fire(watchers: Set<NodeWatcher>, event: NodeEvent): void {
  const told = [...watchers];
  watchers.clear();
  for (const watcher of told) {
    queueMicrotask(() => watcher(event));
  }
}
