import { unlessRefused } from './unless-missing.js';
import type { ZookeeperClient } from './zookeeper-client.interface.js';

/** The path of the node above; `/` for those at the top. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** The paths of the nodes above, the highest first. */
export function ancestorsOf(path: string): string[] {
  const segments = path.split('/').slice(1, -1);
  return segments.map(
    (_, index) => `/${segments.slice(0, index + 1).join('/')}`,
  );
}

/**
 * Creates `path` and its ancestors where they are missing. The requests travel
 * together: ZooKeeper answers them in order. The last one may be a container,
 * which the server removes when it has been empty for a while.
 *
 * Where nodes are closed to others, each is looked at before the next: wait
 * for the end of this before you send a request for a node below.
 */
export async function ensurePath(
  client: Pick<ZookeeperClient, 'access' | 'create'>,
  path: string,
  mode: 'persistent' | 'container',
): Promise<void> {
  if (client.access) {
    await client.access.ensure(path, mode);
    return;
  }
  await Promise.all(
    [...ancestorsOf(path), path].map((each) =>
      unlessRefused(
        client.create(each, '', each === path ? mode : 'persistent'),
        'NODE_EXISTS',
      ),
    ),
  );
}
