import type { Acl } from '../../zookeeper/codec/acl.record.js';
import type { Stat } from '../../zookeeper/codec/stat.record.js';
import { JavaHashSet } from './java-hash-set.js';

/** What becomes of a node on its own. */
export type NodeKind = 'persistent' | 'container' | 'ephemeral';

export interface NewNode {
  readonly data: Buffer | null;
  readonly acl: Acl;
  readonly kind: NodeKind;
  /** Session that owns an ephemeral node (hexadecimal), else `'0'`. */
  readonly owner: string;
}

/** One node of the tree. Only the tree changes it. */
export class TreeNode {
  readonly children = new JavaHashSet(8);
  readonly kind: NodeKind;
  readonly owner: string;
  data: Buffer | null;
  acl: Acl;
  version = 0;
  aclVersion = 0;
  /** How many children have ever been created: numbers sequential ones. */
  creations = 0;
  pzxid: number;
  mzxid: number;
  modifiedAtMs: number;

  constructor(
    { data, acl, kind, owner }: NewNode,
    readonly czxid: number,
    readonly createdAtMs: number,
  ) {
    this.data = data;
    this.acl = acl;
    this.kind = kind;
    this.owner = owner;
    this.mzxid = czxid;
    this.pzxid = czxid;
    this.modifiedAtMs = createdAtMs;
  }

  get stat(): Stat {
    const numChildren = this.children.size;
    return {
      czxid: this.czxid,
      mzxid: this.mzxid,
      pzxid: this.pzxid,
      createdAtMs: this.createdAtMs,
      modifiedAtMs: this.modifiedAtMs,
      version: this.version,
      // Creations and deletions together.
      childVersion: (2 * this.creations - numChildren) | 0,
      aclVersion: this.aclVersion,
      ephemeralOwner: this.owner,
      dataLength: this.data?.length ?? 0,
      numChildren,
    };
  }
}
