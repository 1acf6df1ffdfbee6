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
  /** What is there before anything else is. */
  readonly structure: readonly string[];

  constructor(readonly base: string) {
    this.instances = `${base}/instances`;
    this.elections = `${base}/elections`;
    this.tasks = `${base}/tasks`;
    this.requests = `${base}/requests`;
    this.drains = `${base}/drains`;
    this.audit = `${base}/audit`;
    this.partitions = `${base}/partitions`;
    this.balance = `${base}/balance`;
    this.structure = [this.elections, this.instances, this.tasks];
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

/** Any text as one path segment that ZooKeeper accepts. */
export function encodeSegment(text: string): string {
  const encoded = encodeURIComponent(text);
  // "." and ".." would be relative; "zookeeper" is reserved at the root only.
  return encoded.replace(/^\.{1,2}$/, (dots) => dots.replaceAll('.', '%2E'));
}

/** What stands for the instance in the name of its node. */
export function instanceSegmentOf(node: string): string {
  return node.slice(0, node.lastIndexOf('-'));
}

/** The text that {@link encodeSegment} was given; the segment if it is foreign. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
