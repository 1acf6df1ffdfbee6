import type { TestingRelease } from './release.js';

/**
 * Options of {@link TestingServer.start}. All have defaults.
 *
 * @publicApi
 */
export interface TestingServerOptions {
  /** Port on 127.0.0.1; default: a free one. */
  readonly port?: number;
  /**
   * The server's unit of time, ms, default 100: sessions expire at the end of a
   * tick, and no session timeout is granted below two ticks.
   */
  readonly tickTimeMs?: number;
  /** Shortest session timeout that is granted, ms; default two ticks. */
  readonly minSessionTimeoutMs?: number;
  /** Longest session timeout that is granted, ms; default 60,000. */
  readonly maxSessionTimeoutMs?: number;
  /**
   * How often containers without children are deleted, ms; default 60,000, as
   * in a real server.
   */
  readonly containerCheckMs?: number;
  /**
   * Longest request, bytes; default 1,048,575, as in a real server, which hangs
   * up on a longer one.
   */
  readonly juteMaxBuffer?: number;
  /** The release of ZooKeeper that it stands in for; default `'3.9'`. */
  readonly release?: TestingRelease;
  /** False: no line in the log. Default true. */
  readonly log?: boolean;
}

/**
 * A node of a {@link TestingServer}.
 *
 * @publicApi
 */
export interface TestingNode {
  readonly path: string;
  readonly data: string;
  /** How often the data have changed. */
  readonly version: number;
  /** Transaction that created the node: a fencing token. */
  readonly czxid: number;
  readonly kind: 'persistent' | 'container' | 'ephemeral';
  /** Session that owns an ephemeral node, in hexadecimal. */
  readonly sessionId?: string;
}

/**
 * A request that a {@link TestingServer} has answered.
 *
 * @publicApi
 */
export interface TestingRequest {
  /** `'create'`, `'getData'`, `'setData'`, `'multi'`, `'ping'`, … */
  readonly type: string;
  /** Of the node, where the request has one. */
  readonly path?: string;
  /** In hexadecimal. */
  readonly sessionId: string;
  /** Present if it was refused: `'noNode'`, `'badVersion'`, … */
  readonly error?: string;
}
