import type { ZookeeperClient } from './zookeeper-client.interface.js';
import { unlessRefused } from './unless-missing.js';

/** Where everything lies below the base path (docs/design.md). */
export class NodePaths {
  readonly instances: string;
  readonly elections: string;
  readonly tasks: string;
  readonly requests: string;
  readonly drains: string;
  readonly audit: string;
  readonly partitions: string;
  /** Of the instances that lead elections in equal shares. */
  readonly balance: string;

  constructor(readonly base: string) {
    this.instances = `${base}/instances`;
    this.elections = `${base}/elections`;
    this.tasks = `${base}/tasks`;
    this.requests = `${base}/requests`;
    this.drains = `${base}/drains`;
    this.audit = `${base}/audit`;
    this.partitions = `${base}/partitions`;
    this.balance = `${base}/balance`;
  }

  /**
   * An instance's own node. The session in its name keeps it apart from the
   * node that a crashed process of the same instance id has left behind.
   */
  instance(instanceId: string, sessionId: string): string {
    return `${this.instances}/${encodeSegment(instanceId)}-${sessionId}`;
  }

  election(name: string): string {
    return `${this.elections}/${encodeSegment(name)}`;
  }

  /** What the owners of a group of partitions share. */
  partitionGroup(name: string): string {
    return `${this.partitions}/${encodeSegment(name)}`;
  }

  /** Present while an instance is drained. */
  drain(instanceId: string): string {
    return `${this.drains}/${encodeSegment(instanceId)}`;
  }

  task(name: string): string {
    return `${this.tasks}/${encodeSegment(name)}`;
  }
}

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

/** Any text as one path segment that ZooKeeper accepts. */
export function encodeSegment(text: string): string {
  const encoded = encodeURIComponent(text);
  // "." and ".." would be relative; "zookeeper" is reserved at the root only.
  return encoded.replace(/^\.{1,2}$/, (dots) => dots.replaceAll('.', '%2E'));
}

/** The text that {@link encodeSegment} was given; the segment if it is foreign. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
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
