import type { RunLedgerOptions } from './leader-task-options.interface.js';

/**
 * Credentials of ZooKeeper's `digest` scheme.
 *
 * @publicApi
 */
export interface ZookeeperCredentials {
  readonly username: string;
  readonly password: string;
}

/**
 * What becomes of leadership when the connection breaks; see the option
 * `connectionLossPolicy`.
 *
 * @publicApi
 */
export type ConnectionLossPolicy = 'hold-lease' | 'step-down';

/**
 * Options of {@link ZookeeperLeaderModule.forRoot}. All of them are optional.
 *
 * @publicApi
 */
export interface ZookeeperLeaderModuleOptions {
  /**
   * ZooKeeper's servers: `host:port`, several with commas between, optionally
   * followed by a path below which everything is kept. Default: the environment
   * variable `ZOOKEEPER_CONNECTION_STRING`, else `127.0.0.1:2181`.
   */
  readonly connectionString?: string;

  /**
   * Absolute path below which every znode of the library lives. Instances that
   * share it share their elections. Default `/nestjs-leader`.
   */
  readonly basePath?: string;

  /**
   * Milliseconds after which ZooKeeper gives up an instance that it does not
   * hear from; the servers may grant another value, which the log then tells.
   * Use at least three times the servers' `tickTime`. Default 10,000.
   */
  readonly sessionTimeoutMs?: number;

  /**
   * Name of this instance for people and logs. Default: host name and process
   * id with a random suffix.
   */
  readonly instanceId?: string;

  /** Proves to ZooKeeper who this is, on every new session. */
  readonly credentials?: ZookeeperCredentials;

  /**
   * What becomes of leadership when the connection breaks:
   * - `hold-lease` (default): it goes on until the lease ends, at most two
   *   thirds of the session timeout, so that a server's restart goes unnoticed;
   * - `step-down`: it ends at once.
   */
  readonly connectionLossPolicy?: ConnectionLossPolicy;

  /**
   * Milliseconds for which running leader tasks are waited for before
   * leadership is given up. Default 10,000.
   */
  readonly drainTimeoutMs?: number;

  /**
   * Milliseconds for which the event loop may stand still before the session is
   * closed, so that a hung instance does not lead for ever. Default 30,000.
   */
  readonly maxStallMs?: number;

  /**
   * The names of all elections besides `default`. When given, any other name in
   * a decorator is refused at start. When left out, the names are taken from
   * the decorators.
   */
  readonly elections?: readonly string[];

  /**
   * Gives a run ledger to all scheduled methods under `@OnlyLeader()` that have
   * no option `ledger` of their own: every tick then runs once in the whole
   * cluster, for two writes to ZooKeeper. Default false.
   */
  readonly ledger?: boolean | RunLedgerOptions;

  /**
   * True: there is no ZooKeeper and this instance always leads, for local
   * development or a single instance. Default false.
   */
  readonly standalone?: boolean;

  /**
   * False: this instance never takes part and never leads, like a replica that
   * only serves the web. Default true.
   */
  readonly enabled?: boolean;
}
