/** A document as it is stored. */
export interface StoredLedger {
  readonly data: string;
  readonly version: number;
}

/**
 * Where the ledger of one task is kept. What fails, fails with a
 * `ZookeeperError`: `BAD_VERSION`, `NO_NODE` and `NODE_EXISTS` say that somebody
 * else has been faster.
 */
export interface LedgerStore {
  /** For people. */
  readonly location: string;
  /** As it is after everything that was written before; undefined if missing. */
  read(): Promise<StoredLedger | undefined>;
  /** Resolves to the new version. */
  create(data: string): Promise<number>;
  /** Writes if the version is still that one. Resolves to the new version. */
  write(data: string, version: number): Promise<number>;
  /** Resolves when there is a connection, at once if there is one. */
  reachable(signal: AbortSignal): Promise<void>;
}
