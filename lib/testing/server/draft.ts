import type { Acl } from '../../zookeeper/codec/acl.record.js';
import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import type { DataTree } from './data-tree.js';
import { Refusal } from './refusal.js';
import type { NodeKind } from './tree-node.js';

/** What the checks look at. */
export interface DraftNode {
  readonly acl: Acl;
  readonly kind: NodeKind;
  readonly version: number;
  readonly aclVersion: number;
  readonly creations: number;
  readonly numChildren: number;
}

/**
 * The tree as it will be after the operations prepared so far. With it, a
 * transaction is checked as a whole before any of it is applied.
 */
export class Draft {
  readonly #tree: DataTree;
  readonly #changed = new Map<string, DraftNode | undefined>();

  constructor(tree: DataTree) {
    this.#tree = tree;
  }

  get(path: string): DraftNode | undefined {
    if (this.#changed.has(path)) {
      return this.#changed.get(path);
    }
    const node = this.#tree.get(path);
    return (
      node && {
        acl: node.acl,
        kind: node.kind,
        version: node.version,
        aclVersion: node.aclVersion,
        creations: node.creations,
        numChildren: node.children.size,
      }
    );
  }

  /** @throws {Refusal} if there is no such node */
  existing(path: string): DraftNode {
    const node = this.get(path);
    if (!node) {
      throw new Refusal(RESULT_CODES.noNode);
    }
    return node;
  }

  /** @param node undefined: it has been deleted */
  put(path: string, node: DraftNode | undefined): void {
    this.#changed.set(path, node);
  }
}
