import {
  OPEN,
  PERMISSIONS,
  type Acl,
} from '../../zookeeper/codec/acl.record.js';
import { JavaHashSet } from './java-hash-set.js';
import { nameOf, parentOf } from './paths.js';
import { TreeNode, type NewNode } from './tree-node.js';

const READ_ONLY: Acl = [
  { permissions: PERMISSIONS.read, scheme: 'world', id: 'anyone' },
];

/** When, and in which transaction, something happens. */
export interface Moment {
  readonly zxid: number;
  readonly atMs: number;
}

/**
 * All nodes. It does what it is told: who may do what is decided before, in
 * `prepare.ts`.
 */
export class DataTree {
  readonly #nodes = new Map<string, TreeNode>();
  readonly #ephemerals = new Map<string, JavaHashSet>();
  readonly #containers = new Set<string>();

  constructor() {
    const beginning = { zxid: 0, atMs: 0 };
    const root = new TreeNode(serverNode(), 0, 0);
    // The parent of `/a` is the empty path.
    this.#nodes.set('', root).set('/', root);
    for (const path of [
      '/zookeeper',
      '/zookeeper/quota',
      '/zookeeper/config',
    ]) {
      this.#add(path, serverNode(), beginning);
    }
    this.setAcl('/zookeeper/config', READ_ONLY, -1);
  }

  get size(): number {
    return this.#nodes.size - 1;
  }

  get(path: string): TreeNode | undefined {
    return this.#nodes.get(path);
  }

  /** A node that is known to be there. */
  existing(path: string): TreeNode {
    const node = this.#nodes.get(path);
    if (!node) {
      throw new Error(`There is no node ${path}.`);
    }
    return node;
  }

  /** Each path once, the root as `/`, in the order of creation. */
  get paths(): string[] {
    return [...this.#nodes.keys()].slice(1);
  }

  /** Paths of a session's ephemeral nodes, in the order of their deletion. */
  ephemeralsOf(session: string): string[] {
    const paths = this.#ephemerals.get(session);
    return paths ? [...JavaHashSet.cloneOf(paths)] : [];
  }

  /** The sessions that have ephemeral nodes. */
  get owners(): string[] {
    return [...this.#ephemerals.keys()];
  }

  /** Containers that have had children, and have none left. */
  get emptyContainers(): string[] {
    return [...this.#containers].filter((path) => {
      const node = this.existing(path);
      return node.children.size === 0 && node.creations > 0;
    });
  }

  create(path: string, node: NewNode, moment: Moment): TreeNode {
    const parent = this.existing(parentOf(path));
    parent.creations = (parent.creations + 1) | 0;
    parent.pzxid = moment.zxid;
    const created = this.#add(path, node, moment);
    if (node.kind === 'container') {
      this.#containers.add(path);
    } else if (node.kind === 'ephemeral') {
      const paths = this.#ephemerals.get(node.owner) ?? new JavaHashSet();
      paths.add(path);
      this.#ephemerals.set(node.owner, paths);
    }
    return created;
  }

  delete(path: string, { zxid }: Moment): void {
    const node = this.existing(path);
    const parent = this.existing(parentOf(path));
    parent.children.delete(nameOf(path));
    parent.pzxid = zxid;
    this.#nodes.delete(path);
    this.#containers.delete(path);
    this.#ephemerals.get(node.owner)?.delete(path);
  }

  /** Forgets that a session had ephemeral nodes, after they have gone. */
  forget(session: string): void {
    this.#ephemerals.delete(session);
  }

  setData(
    path: string,
    data: Buffer | null,
    version: number,
    { zxid, atMs }: Moment,
  ): TreeNode {
    const node = this.existing(path);
    node.data = data;
    node.version = version;
    node.mzxid = zxid;
    node.modifiedAtMs = atMs;
    return node;
  }

  setAcl(path: string, acl: Acl, version: number): TreeNode {
    const node = this.existing(path);
    node.acl = acl;
    node.aclVersion = version;
    return node;
  }

  /** Number of nodes below a path. */
  countBelow(path: string): number {
    const prefix = path === '/' ? '/' : `${path}/`;
    return this.paths.filter(
      (other) => other !== '/' && other.startsWith(prefix),
    ).length;
  }

  #add(path: string, node: NewNode, { zxid, atMs }: Moment): TreeNode {
    const created = new TreeNode(node, zxid, atMs);
    this.#nodes.set(path, created);
    this.existing(parentOf(path)).children.add(nameOf(path));
    return created;
  }
}

function serverNode(): NewNode {
  return { data: Buffer.alloc(0), acl: OPEN, kind: 'persistent', owner: '0' };
}
