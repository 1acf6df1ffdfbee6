import { BehaviorSubject, type Observable } from 'rxjs';
import { messageOf } from '../message-of.js';
import {
  ConnectionLog,
  type ClientNotice,
  type ConnectedSession,
} from './connection-log.js';
import type { Connection } from './zookeeper-client.interface.js';
import { ZookeeperError, requestError } from './zookeeper.error.js';

/** The states of a client's connection, and what is logged of them. */
export class ConnectionStates {
  readonly log: ConnectionLog;
  readonly #connection$ = new BehaviorSubject<Connection>({
    state: 'connecting',
    epoch: 0,
  });
  #presumeLost: NodeJS.Timeout | undefined;

  constructor(onNotice: ((notice: ClientNotice) => void) | undefined) {
    this.log = new ConnectionLog((notice) => onNotice?.(notice));
  }

  get current(): Connection {
    return this.#connection$.value;
  }

  get changes(): Observable<Connection> {
    return this.#connection$;
  }

  connected(session: ConnectedSession): void {
    clearTimeout(this.#presumeLost);
    this.log.connected(session);
    this.#change({
      state: 'connected',
      epoch: this.current.epoch + 1,
      sessionId: session.id,
      sessionTimeoutMs: session.sessionTimeoutMs,
    });
  }

  /** The connection is gone; the session may come back. */
  suspended(reason: string, isAfterStall = false): void {
    const connection = this.current;
    const { state, epoch, sessionTimeoutMs = 0 } = connection;
    if (state !== 'connected') {
      return;
    }
    this.log.suspended(reason);
    this.#presumeLost = setTimeout(() => {
      this.log.presumedLost(sessionTimeoutMs);
      this.#change({ state: 'lost', epoch });
    }, sessionTimeoutMs);
    this.#change({ ...connection, state: 'suspended', isAfterStall });
  }

  /** The session is over, or cannot be had. */
  lost(code: 'SESSION_EXPIRED' | 'AUTH_FAILED', why: string): void {
    if (this.current.state !== 'closed') {
      this.log.lost(code, why);
      this.fail(new ZookeeperError(code, why));
    }
  }

  /** Why a request cannot be sent now. */
  refusal(request: { operation: string; path: string }): ZookeeperError {
    const { state } = this.current;
    return state === 'closed'
      ? requestError('CLOSED', request, 'the ZooKeeper client is closed')
      : requestError(
          'CONNECTION_LOSS',
          request,
          `there is no connection to ZooKeeper (${state})`,
        );
  }

  /** There is no session, for this reason. */
  fail(problem: ZookeeperError): void {
    clearTimeout(this.#presumeLost);
    this.#change({ state: 'lost', epoch: this.current.epoch, problem });
  }

  /** All servers have been tried in vain. `isOfTls`: it is for us to mend. */
  unreachable(reasons: readonly string[], isOfTls: boolean): void {
    const { state } = this.current;
    if (state === 'closed') {
      return;
    }
    const text = this.log.unreachable(reasons, isOfTls);
    if (isOfTls && state !== 'connected') {
      const problem = new ZookeeperError('TLS_FAILED', text);
      this.#change({ ...this.current, problem });
    }
  }

  watcherFailed(error: unknown): void {
    this.log.watcherFailed(messageOf(error));
  }

  /** Nobody believes in the session any more. */
  close(): void {
    clearTimeout(this.#presumeLost);
    this.#change({ state: 'closed', epoch: this.current.epoch });
    this.#connection$.complete();
  }

  #change(connection: Connection): void {
    this.#connection$.next(Object.freeze(connection));
  }
}
