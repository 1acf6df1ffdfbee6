import type { Observable } from 'rxjs';
import type { Stat } from './codec/stat.record.js';
import type { ZookeeperError } from './zookeeper.error.js';

/**
 * State of the connection to ZooKeeper:
 * - `connecting`: no session yet;
 * - `connected`: the session is alive and can be used;
 * - `suspended`: the connection is gone, the session may live on;
 * - `lost`: the session has expired, or has been out of reach for so long that
 *   it must be presumed so;
 * - `closed`: shut down for good.
 *
 * @publicApi
 */
export type ConnectionState = (typeof CONNECTION_STATES)[number];

/** All of them. */
export const CONNECTION_STATES = [
  'connecting',
  'connected',
  'suspended',
  'lost',
  'closed',
] as const;

/** One immutable view of the connection. */
export interface Connection {
  readonly state: ConnectionState;
  /**
   * Grows with every connection that is established. Watches live as long as
   * the epoch in which they were set: look again when the epoch has changed.
   */
  readonly epoch: number;
  /** The session: present while `connected` or `suspended`. */
  readonly sessionId?: string;
  /** The session timeout that the server granted. */
  readonly sessionTimeoutMs?: number;
  /** Why there is no connection, where a reason is known. */
  readonly problem?: ZookeeperError;
  /**
   * `suspended` only: this process was blocked, and the server has hung up since
   * a guardian keeps the session alive meanwhile. It is there to be taken back.
   */
  readonly isAfterStall?: boolean;
}

/** What becomes of a node when its session ends or its last child goes. */
export type CreateMode =
  'persistent' | 'container' | 'ephemeral' | 'ephemeral-sequential';

/** The part of a znode's status that this library uses. */
export type NodeStat = Pick<
  Stat,
  | 'czxid'
  | 'mzxid'
  | 'pzxid'
  | 'version'
  | 'numChildren'
  | 'ephemeralOwner'
  | 'createdAtMs'
  | 'modifiedAtMs'
>;

export interface NodeContent {
  readonly data: string;
  readonly stat: NodeStat;
}

export interface ChildList {
  /** Names of the children, without the parent's path, in no order. */
  readonly children: string[];
  readonly stat: NodeStat;
}

/** What happened to a watched node. */
export type NodeEvent = 'created' | 'deleted' | 'changed' | 'children';

/** Called at most once, and never after the epoch in which it was set. */
export type NodeWatcher = (event: NodeEvent) => void;

/**
 * Who may use a node: everybody (`open`), or nobody but clients that prove to be
 * who created it (`creator`).
 */
export type NodeAcl = 'open' | 'creator';

/** Nodes that are there, and closed to others. */
export interface ClosedNodes {
  /**
   * Makes sure that `path` exists and is closed, and what lies between the base
   * path and it: nobody else has been able to remove any of it, or to add to it,
   * since this has resolved once.
   *
   * @throws {ZookeeperError} (rejects) `NO_AUTH`, saying what to do
   */
  ensure(path: string, mode: 'persistent' | 'container'): Promise<void>;
  /** Closes a node that an earlier version has left open, if there is one. */
  adopt(path: string): Promise<void>;
}

/**
 * The narrow view of ZooKeeper that the rest of the library has: one session,
 * replaced when it expires, and requests that always settle.
 *
 * Requests are sent in the order in which they are made, and ZooKeeper answers
 * one session's requests in that order, so requests made in one turn of the
 * event loop are pipelined. A request made without a connection is rejected at
 * once with `CONNECTION_LOSS`: nothing is queued behind the caller's back.
 *
 * While there is a connection, the server hears of the session at least every
 * sixth of the session timeout, whatever is asked or not (docs/safety.md): by a
 * ping, or by a heartbeat that was announced with {@link expectHeartbeats}.
 *
 * Giving up a connection never ends a session; only {@link replaceSession} and
 * {@link close} do.
 */
export interface ZookeeperClient {
  readonly connection: Connection;
  /** The connection now and at every change, in order. Completes at the end. */
  readonly connection$: Observable<Connection>;
  /** Present if nodes are closed to others. */
  readonly access?: ClosedNodes | undefined;

  /**
   * Begins to connect. Resolves as soon as the client itself works, however
   * long ZooKeeper stays away; rejects with `KEEPER_UNAVAILABLE` when it cannot
   * work on this machine.
   */
  start(): Promise<void>;

  /**
   * Creates a node and resolves to its path, with the number if sequential.
   * Closed from the transaction on that creates it, if nodes are closed to others.
   */
  create(path: string, data: string, mode: CreateMode): Promise<string>;
  /** Reads a node. The watcher is set only if the node exists. */
  get(path: string, watcher?: NodeWatcher): Promise<NodeContent>;
  /** Lists a node's children. The watcher is set only if the node exists. */
  getChildren(path: string, watcher?: NodeWatcher): Promise<ChildList>;
  /**
   * Forgets a watcher: it is never called again. Where nobody else here needs
   * the watch, the server may forget it, too.
   */
  unwatch(path: string, watcher: NodeWatcher): void;
  /** Replaces a node's data; with a version only if it is still that one. */
  set(path: string, data: string, version?: number): Promise<NodeStat>;
  delete(path: string, version?: number): Promise<void>;
  /** Makes the next read see everything that was committed before this call. */
  sync(path: string): Promise<void>;

  /**
   * Tells whether the caller writes at least every sixth of the session timeout from
   * now on, on this connection. No ping is sent besides, while these heartbeats are
   * answered in time.
   */
  expectHeartbeats?(areExpected: boolean): void;

  /**
   * For how many milliseconds the leading server may not have heard of the session, if
   * the others report to it `reportMs` later: longer after a pause of this process.
   * Without it: no longer than is said above.
   */
  unheardMs?(reportMs: number): number;

  /**
   * Ends the session and takes a new one; resolves when the old one has ended or
   * must have expired. First of all the connection is `lost`. The caller has
   * made sure that nobody believes in the session any more. Never rejects.
   */
  replaceSession(why: string): Promise<void>;

  /**
   * Ends the session at once, with its ephemeral nodes. Resolves when it is
   * done or, when ZooKeeper cannot be reached, given up; never rejects.
   */
  close(): Promise<void>;
}
