import type { ZookeeperClientFactory } from '../zookeeper/client-factory.interface.js';
import type { ZookeeperTlsOptions } from '../zookeeper/connection/tls-options.interface.js';
import type { SaslResponder } from '../zookeeper/handshake/sasl-login.js';
import type { RunLedgerOptions } from './leader-task-options.interface.js';

/**
 * Credentials of ZooKeeper's `digest` scheme.
 *
 * @publicApi
 */
export interface ZookeeperCredentials {
  /** Not empty, and without a colon. */
  readonly username: string;
  /** Not empty. */
  readonly password: string;
}

/**
 * A login to ZooKeeper's servers by name and password, which never travel: what
 * the servers have in their JAAS file under `DigestLoginModule`.
 *
 * @publicApi
 */
export interface ZookeeperDigestMd5Login {
  readonly mechanism: 'DIGEST-MD5';
  /** Not empty. */
  readonly username: string;
  /** Not empty. */
  readonly password: string;
}

/**
 * A login to ZooKeeper's servers by any mechanism of SASL, for example `GSSAPI`
 * (Kerberos).
 *
 * @publicApi
 */
export interface ZookeeperSaslMechanism {
  /** The name of the mechanism, for messages. */
  readonly mechanism: string;
  /**
   * Answers the challenges of the server. It may take its time, but not longer
   * than the session timeout.
   */
  readonly respond: SaslResponder;
}

/**
 * How the client logs in; see the option `sasl`.
 *
 * @publicApi
 */
export type ZookeeperSaslOptions =
  ZookeeperDigestMd5Login | ZookeeperSaslMechanism;

/**
 * What becomes of leadership when the connection breaks; see the option
 * `connectionLossPolicy`.
 *
 * @publicApi
 */
export type ConnectionLossPolicy = 'hold-lease' | 'step-down';

/**
 * Where a guardian listens that runs in a container of its own; see the option
 * `guardian`.
 *
 * @example
 * ```ts
 * ZookeeperLeaderModule.forRoot({
 *   guardian: { socket: '/run/leader/guardian.sock' },
 * })
 * ```
 *
 * @publicApi
 */
export interface GuardianOptions {
  /**
   * The absolute path that `npx nestjs-zookeeper-leader guardian --listen` was
   * given, in a folder that both containers share.
   */
  readonly socket: string;
}

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
   * share it share their elections, so give each application a path of its own:
   * where two applications share one, the tasks of one of them never run.
   * Default `/nestjs-leader`.
   */
  readonly basePath?: string;

  /**
   * Name of the application, the same for all its instances and versions. The log
   * says when an instance waits behind a leader of another application, whose tasks
   * are not its own. 1 to 200 characters. Default: the name in the `package.json` nearest to the
   * file that the process was started with.
   */
  readonly application?: string;

  /**
   * Milliseconds after which ZooKeeper gives up an instance that it does not
   * hear from; the servers may grant another value, which the log then tells.
   * Use at least four times the servers' `tickTime`. Default 10,000.
   */
  readonly sessionTimeoutMs?: number;

  /**
   * Name of this instance for people and logs. Default: host name and process
   * id with a random suffix.
   */
  readonly instanceId?: string;

  /**
   * Proves to ZooKeeper who this is, by its scheme `digest`: on every connection
   * the password is sent as it is. Use `tls` with it, or `sasl` instead.
   */
  readonly credentials?: ZookeeperCredentials;

  /**
   * Encrypts the connections to ZooKeeper. True: with the authorities that
   * Node.js trusts (`NODE_EXTRA_CA_CERTS` adds to them). Names in the servers'
   * certificates are compared with the connection string. Default false.
   */
  readonly tls?: boolean | ZookeeperTlsOptions;

  /** Logs in to servers that have a JAAS configuration, on every connection. */
  readonly sasl?: ZookeeperSaslOptions;

  /**
   * Who may use the nodes of this application in ZooKeeper:
   * - `creator`: nobody but clients that prove the same identity by
   *   `credentials`, `sasl` or a client certificate in `tls`;
   * - `open`: everybody.
   *
   * Default `creator` with `credentials` or `sasl`, otherwise `open`.
   */
  readonly acl?: 'creator' | 'open';

  /**
   * Another ZooKeeper client than the library's own: `nativeZookeeper()` of
   * `nestjs-zookeeper-leader/native`, for plain connections only.
   */
  readonly client?: ZookeeperClientFactory;

  /**
   * What becomes of leadership when the connection breaks:
   * - `hold-lease` (default): it goes on until the lease ends, at most two
   *   thirds of the session timeout. A server's restart goes unnoticed;
   * - `step-down`: it ends at once.
   */
  readonly connectionLossPolicy?: ConnectionLossPolicy;

  /**
   * Milliseconds for which running leader tasks are waited for before
   * leadership is given up. Default 10,000.
   */
  readonly drainTimeoutMs?: number;

  /**
   * Milliseconds for which the event loop may be blocked before the session
   * ends and another instance leads: at once, or in all while there is no time in
   * between to renew the lease. Below one and a half times `sessionTimeoutMs`, the
   * session timeout decides. Default 30,000.
   */
  readonly maxStallMs?: number;

  /**
   * Who closes the session when this process dies, and keeps it alive through a
   * stall. With a guardian, the next instance leads within milliseconds:
   * - left out: a small process beside this one, or the command line's `run` that
   *   this process was started by;
   * - `{ socket }`: a guardian in a container of its own (docs/deployment.md);
   * - `false`: nobody. A crash then costs the session timeout, and so does a
   *   stall that is longer than that.
   */
  readonly guardian?: false | GuardianOptions;

  /**
   * The names of all elections besides `default`. When given, any other name in
   * a decorator is refused at start. When left out, the names are taken from
   * the decorators.
   */
  readonly elections?: readonly string[];

  /**
   * Gives a run ledger to all scheduled methods under `@OnlyLeader()` that have
   * no option `ledger` of their own: no tick then runs twice in the whole
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

  /**
   * The share of this instance in partitions, and in elections with `balance`,
   * beside those of others: with 2 it has twice as many as an instance with 1, with
   * 0 none. 0 to 1,000. Default 1.
   */
  readonly weight?: number;

  /**
   * Who leads first: an instance takes leadership over from one with a lower
   * priority, at once when it has joined. The lower one ends its tasks before
   * (`drainTimeoutMs`). Use a number that grows with each version, such as a build
   * number. Any finite number. Default 0.
   */
  readonly priority?: number;

  /**
   * True: leadership of the named elections is spread over the instances by their
   * `weight`. An instance that joins takes its share over; those before it end their
   * tasks first (`drainTimeoutMs`). The election `default` stays as it is. Set it on
   * all instances: one without it makes way for a higher `priority` only. Default
   * false.
   */
  readonly balance?: boolean;

  /**
   * Who owns partitions while this instance is up:
   * - `all` (default): all instances, by their `weight`;
   * - `highest-priority`: instances with a lower `priority` than this one own none.
   */
  readonly partitionOwners?: 'all' | 'highest-priority';
}
