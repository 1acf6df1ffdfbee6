import type { MultiResult } from './multi.record.js';
import type { DataTree, Moment } from './data-tree.js';
import { parentOf } from './paths.js';
import type { Change } from './prepare.js';
import type { WatchTable } from './watch-table.js';

/** Where changes are made, and who hears about them. */
export interface Store {
  readonly tree: DataTree;
  readonly watches: WatchTable;
}

/** What has become of a change. */
export type Done =
  | Exclude<MultiResult, { type: 'error' }>
  | {
      readonly type: 'setAcl';
      readonly stat: ReturnType<DataTree['setAcl']>['stat'];
    };

/** Makes a change that has been prepared, and fires the watches. */
export function apply(
  change: Change,
  { tree, watches }: Store,
  moment: Moment,
): Done {
  const { path } = change;
  const { zxid } = moment;
  switch (change.type) {
    case 'create': {
      const node = tree.create(path, change.node, moment);
      const { stat } = node;
      watches.created(path, zxid, node.acl, tree.existing(parentOf(path)).acl);
      return { type: 'create', path, ...(change.isDetailed && { stat }) };
    }
    case 'delete':
      remove(path, { tree, watches }, moment);
      return { type: 'delete' };
    case 'setData': {
      const node = tree.setData(path, change.data, change.version, moment);
      const { stat } = node;
      watches.changed(path, zxid, node.acl);
      return { type: 'setData', stat };
    }
    case 'setAcl': {
      const { stat } = tree.setAcl(path, change.acl, change.version);
      return { type: 'setAcl', stat };
    }
    default:
      return { type: 'check' };
  }
}

/** Deletes a node that is there. */
export function remove(
  path: string,
  { tree, watches }: Store,
  moment: Moment,
): void {
  const acl = tree.existing(path).acl;
  tree.delete(path, moment);
  watches.deleted(path, moment.zxid, acl, tree.existing(parentOf(path)).acl);
}
