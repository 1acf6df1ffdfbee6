/** What differs between the releases of ZooKeeper that can be stood in for. */
export interface ReleaseTraits {
  /** Events say which transaction caused them; else -1. */
  readonly eventsCarryZxid: boolean;
  /** `exists` is refused to who may not read the node. */
  readonly existsNeedsRead: boolean;
  /** `setWatches` reports no node that the client may not read. */
  readonly setWatchesNeedsRead: boolean;
  /**
   * A connection may have a standard, a persistent and a recursive watch on one
   * path; else the one set last replaces the others.
   */
  readonly hasWatchModes: boolean;
  /**
   * In a transaction, the opcode decides how a creation is answered, and a flag that
   * does not exist makes the transaction unreadable; else the flag alone counts.
   */
  readonly multiHeedsOpcode: boolean;
}

/** Releases by the names that `TestingServer.start({ release })` takes. */
export const RELEASES = {
  /** ZooKeeper 3.8.0 with Debian's security fixes. */
  '3.8': {
    eventsCarryZxid: false,
    existsNeedsRead: false,
    setWatchesNeedsRead: false,
    hasWatchModes: false,
    multiHeedsOpcode: false,
  },
  /** ZooKeeper 3.9.6. */
  '3.9': {
    eventsCarryZxid: true,
    existsNeedsRead: true,
    setWatchesNeedsRead: true,
    hasWatchModes: true,
    multiHeedsOpcode: true,
  },
} as const satisfies Record<string, ReleaseTraits>;

/**
 * A release of ZooKeeper that a `TestingServer` can stand in for.
 *
 * @publicApi
 */
export type TestingRelease = keyof typeof RELEASES;
