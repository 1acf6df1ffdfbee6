import type { JuteReader } from '../codec/jute-reader.js';
import { JuteWriter } from '../codec/jute-writer.js';
import { EVENT_TYPES, OPCODES, WATCHER_TYPES } from '../codec/opcodes.js';
import {
  OPERATIONS,
  writeRequest,
  type Operation,
} from '../codec/operations.js';
import { watcherEvent } from '../codec/watch.records.js';
import { CLOSE_XID, XIDS } from '../codec/xids.js';
import type { FrameConnection } from '../connection/frame-connection.js';
import type { NodeEvent, NodeWatcher } from '../zookeeper-client.interface.js';
import {
  isZookeeperError,
  type ZookeeperErrorCode,
} from '../zookeeper.error.js';
import {
  Exchange,
  type ExchangeOptions,
  type ExchangedRequest,
} from './exchange.js';
import type { HeldSession } from './held-session.js';
import { Pulse } from './pulse.js';
import type { SessionTiming } from './session-timing.js';
import type { WatchKind } from './watch-table.js';

export interface ServerConnectionOptions extends Pick<
  ExchangeOptions,
  'xids' | 'canProve' | 'onWatcherError'
> {
  readonly frames: FrameConnection;
  readonly timing: SessionTiming;
  /** The last transaction that an answer has reported is kept up to date in it. */
  readonly session: Pick<HeldSession, 'grantedAt'> & { lastZxidSeen: number };
  /** Called before requests are written, and after a stall. Never throws. */
  readonly onSignOfLife: () => void;
  /** This process was blocked or paused for a while. */
  readonly onStall: () => void;
  /**
   * ClickHouse Keeper hangs up on requests that it does not know: if it does on
   * the first one that removes a watch, none is sent any more. Undefined: not known.
   */
  readonly removals: { areUnderstood?: boolean };
}

/** A request, and how it is written. */
export interface ServerRequest<Value, Answer> extends ExchangedRequest<
  JuteReader,
  Answer
> {
  readonly type: Operation<Value, Answer>;
  readonly value: Value;
}

const EVENTS = new Map<number, NodeEvent>([
  [EVENT_TYPES.created, 'created'],
  [EVENT_TYPES.deleted, 'deleted'],
  [EVENT_TYPES.changed, 'changed'],
  [EVENT_TYPES.children, 'children'],
]);

const PING = Buffer.from(
  new JuteWriter().begin().int(XIDS.ping).int(OPCODES.ping).end().bytes,
);

/** A request that has waited for less than two ticks was answered in time. */
const TICKS_TO_WAIT = 2;

/** After a stall unread answers come first, and then the end of the stream. */
const TURNS_AFTER_STALL = 3;

/**
 * A session's use of one connection, from the end of the handshake on: requests,
 * watches and signs of life. It ends with the connection, with all of them.
 */
export class ServerConnection {
  readonly #options: ServerConnectionOptions;
  readonly #frames: FrameConnection;
  readonly #exchange: Exchange<JuteReader>;
  readonly #pulse: Pulse;
  #expectsHeartbeats = false;
  /** For how many ticks the oldest request has waited. */
  #ticksWaited = 0;
  #isFlushDue = false;
  #isWaking = false;
  #isOver = false;
  #onClosed: ((isAnswered: boolean) => void) | undefined;

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
    this.#frames = options.frames;
    this.#frames.onFrame = (reader) => this.#receive(reader);
    this.#exchange = new Exchange({
      ...options,
      ticksToAnswer: options.timing.ticksToAnswer,
      onUnwanted: (kind, path) => this.#removeWatch(kind, path),
    });
    const events = {
      onTick: () => this.#onTick(),
      onPing: () => this.#ping(),
      hasHeartbeats: () =>
        this.#expectsHeartbeats && this.#ticksWaited < TICKS_TO_WAIT,
      onSilence: () => this.#onSilence(),
      onStall: (blockedMs: number) => this.#wake(blockedMs),
    };
    this.#pulse = new Pulse(options.timing, events, options.session.grantedAt);
  }

  /** Sends a request with all others of this turn. The promise settles. */
  request<Value, Answer>(
    request: ServerRequest<Value, Answer>,
  ): Promise<Answer> {
    return this.#exchange.request(request, (xid) => {
      const { writer } = this.#frames;
      const lengthBefore = writer.length;
      writeRequest(writer, xid, request.type, request.value);
      this.#flushSoon();
      return writer.length - lengthBefore;
    });
  }

  /**
   * Forgets a watcher. The server forgets the watch, too, when nobody else here
   * needs it.
   */
  unwatch(path: string, watcher: NodeWatcher): void {
    this.#exchange.unwatch(path, watcher);
  }

  /** See {@link ZookeeperClient.expectHeartbeats}. */
  expectHeartbeats(areExpected: boolean): void {
    this.#expectsHeartbeats = areExpected;
    if (!areExpected && !this.#isOver) {
      this.#pulse.pingIfDue();
    }
  }

  /** See {@link ZookeeperClient.unheardMs}. */
  unheardMs(reportMs: number): number {
    return this.#pulse.unheardMs(reportMs);
  }

  /** Ends the session. Resolves to whether the server has said that it did. */
  closeSession(): Promise<boolean> {
    if (this.#isOver) {
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      this.#onClosed = resolve;
      this.#writeClose();
    });
  }

  /** {@link closeSession}, for a process that ends now. */
  closeSessionAtExit(): void {
    if (!this.#isOver) {
      this.#writeClose();
    }
  }

  /** The connection has ended, or is not to be used any more. */
  end(code: ZookeeperErrorCode, why: string): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#pulse.stop();
      this.#exchange.end(code, why);
      this.#onClosed?.(false);
    }
  }

  /** Reads the next frame. Callbacks run later, and only as microtasks. */
  #receive(reader: JuteReader): void {
    this.#pulse.heard();
    const xid = reader.int();
    if (xid === XIDS.event) {
      reader.raw(12);
      this.#onEvent(reader);
      return;
    }
    if (xid === XIDS.ping || xid === XIDS.auth) {
      return;
    }
    const zxid = reader.long();
    const code = reader.int();
    if (zxid > 0) {
      this.#options.session.lastZxidSeen = zxid;
    }
    if (xid === CLOSE_XID) {
      this.#onClosed?.(true);
      return;
    }
    this.#exchange.answered(xid, code, reader);
  }

  #writeClose(): void {
    const { writer } = this.#frames;
    writeRequest(writer, CLOSE_XID, OPERATIONS.closeSession, undefined);
    // What was asked for in this turn is still done.
    this.#frames.flush();
  }

  #removeWatch(kind: WatchKind, path: string): void {
    const { removals } = this.#options;
    if (this.#isOver || removals.areUnderstood === false) {
      return;
    }
    const type = WATCHER_TYPES[kind];
    this.request({
      operation: 'unwatch',
      path,
      type: OPERATIONS.removeWatches,
      value: { path, type },
      read: OPERATIONS.removeWatches.read,
    }).then(
      () => {
        removals.areUnderstood = true;
      },
      (error: unknown) => {
        // Others are no harm: the watch has fired, or its node is gone.
        if (isZookeeperError(error, 'CONNECTION_LOSS')) {
          removals.areUnderstood ??= false;
        }
      },
    );
  }

  #onEvent(reader: JuteReader): void {
    const { type, path } = watcherEvent.read(reader);
    const event = EVENTS.get(type);
    if (event) {
      this.#exchange.fired(event, path);
    }
  }

  #onTick(): void {
    const { ticksToGiveUp, tickMs } = this.#options.timing;
    this.#ticksWaited = this.#exchange.tick();
    if (this.#ticksWaited > ticksToGiveUp) {
      const ms = Math.round(ticksToGiveUp * tickMs);
      this.#frames.fail(new Error(`answered no request for ${ms} ms`));
    }
  }

  #ping(): void {
    this.#frames.writer.raw(PING);
    this.#flushSoon();
  }

  #onSilence(): void {
    const { ticksOfSilence, tickMs } = this.#options.timing;
    const ms = Math.round(ticksOfSilence * tickMs);
    this.#frames.fail(new SilenceError(`has been silent for ${ms} ms`));
  }

  /** All that is asked for in one turn of the event loop leaves together. */
  #flushSoon(): void {
    if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      process.nextTick(() => this.#flush());
    }
  }

  #flush(): void {
    if (this.#isOver || this.#isWaking) {
      return;
    }
    const { blockedMs } = this.#pulse;
    if (blockedMs !== undefined) {
      this.#wake(blockedMs);
      return;
    }
    this.#isFlushDue = false;
    this.#options.onSignOfLife();
    this.#pulse.sent();
    this.#frames.flush();
  }

  /**
   * This process was blocked: the server may have hung up meanwhile. To see that
   * before anything is written spares requests an unknown outcome.
   */
  #wake(blockedMs: number): void {
    if (this.#isWaking) {
      return;
    }
    this.#isWaking = true;
    this.#options.onSignOfLife();
    this.#options.onStall();
    afterTurns(TURNS_AFTER_STALL, () => {
      this.#isWaking = false;
      this.#pulse.woke();
      if (blockedMs > this.#options.timing.longStallMs) {
        const ms = Math.round(blockedMs);
        this.#frames.fail(new Error(`was not used for ${ms} ms, in a stall`));
      } else {
        // The server has heard nothing for longer than it may be left without.
        this.#frames.writer.raw(PING);
        this.#flush();
      }
    });
  }
}

function afterTurns(turns: number, act: () => void): void {
  if (turns === 0) {
    act();
  } else {
    setImmediate(afterTurns, turns - 1, act);
  }
}

/** The server is there, and says nothing. */
export class SilenceError extends Error {
  override readonly name = 'SilenceError';
}
