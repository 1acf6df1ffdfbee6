import type { DataTree } from './data-tree.js';
import type { ServerState } from './server-state.js';
import type { TestingNode } from './testing-server.types.js';

/** The nodes at and below a path, sorted, without those of the server itself. */
export function nodesBelow(tree: DataTree, path: string): TestingNode[] {
  const prefix = path === '/' ? '/' : `${path}/`;
  return tree.paths
    .filter((each) => each === path || each.startsWith(prefix))
    .filter((each) => each !== '/zookeeper' && !each.startsWith('/zookeeper/'))
    .toSorted()
    .map((each) => {
      const { data, version, czxid, kind, owner } = tree.existing(each);
      return {
        path: each,
        data: data?.toString() ?? '',
        version,
        czxid,
        kind,
        ...(kind === 'ephemeral' && { sessionId: owner }),
      };
    });
}

/**
 * The sessions of an instance of the library, or the one of that id.
 *
 * @throws {Error} if there is none
 */
export function sessionsOf(state: ServerState, who: string): string[] {
  const id = who.replace(/^0x/i, '').toLowerCase();
  if (state.sessions.has(id)) {
    return [id];
  }
  const instances = instancesOf(state);
  const found = instances.get(who);
  if (!found) {
    throw new Error(
      `TestingServer: no session belongs to ${JSON.stringify(who)}. ` +
        `Instances: ${list(instances.keys())}. Sessions: ${list(state.sessions.ids)}.`,
    );
  }
  return [...found];
}

/** Who the sessions belong to: their nodes say so. */
function instancesOf({ tree }: ServerState): Map<string, Set<string>> {
  const instances = new Map<string, Set<string>>();
  for (const owner of tree.owners) {
    for (const path of tree.ephemeralsOf(owner)) {
      const instanceId = instanceIdOf(tree.existing(path).data);
      if (instanceId !== undefined) {
        const sessions = instances.get(instanceId) ?? new Set();
        instances.set(instanceId, sessions.add(owner));
      }
    }
  }
  return instances;
}

function instanceIdOf(data: Buffer | null): string | undefined {
  try {
    const content: unknown = JSON.parse(data?.toString() ?? '');
    const { instanceId } = content as { instanceId?: unknown };
    return typeof instanceId === 'string' ? instanceId : undefined;
  } catch {
    // Somebody else's node.
    return undefined;
  }
}

function list(all: Iterable<string>): string {
  return [...all].join(', ') || 'none';
}
