import { createServer, type Server } from 'node:net';
import type { ConnectionSecurity } from '../../zookeeper/connection-security.js';
import { describeConnectFailure } from '../../zookeeper/connection/describe-failure.js';
import { attach } from '../attach.js';
import type { GuardedSession } from '../../zookeeper/session-guardian.interface.js';
import { ApplicationChannel } from '../application-channel.js';
import { lookerAt } from '../process-identity.js';
import type { Outcome } from '../session-guard.js';
import { toSocketPath } from '../socket-address.js';

export interface GuardianHostOptions {
  /** What applications have to know; undefined: nothing. */
  readonly token?: string;
  readonly onNotice?: (text: string) => void;
  /** A connection has said by then whose it is, or is closed. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 10_000;

/** The ids of sessions are never given again; so many are remembered. */
const REMEMBERED_SESSIONS = 10_000;

/** A guardian of several applications, which connect to it. */
export class GuardianHost {
  readonly #options: GuardianHostOptions;
  readonly #channels = new Set<ApplicationChannel>();
  /** Sessions that it has closed or tried to close, the oldest first. */
  readonly #closed = new Set<string>();
  readonly #server: Server;
  #onChange: () => void = () => undefined;

  constructor(options: GuardianHostOptions = {}) {
    this.#options = options;
    this.#server = createServer((stream) => {
      const channel: ApplicationChannel = new ApplicationChannel(stream, {
        attach,
        lookerAt,
        token: options.token,
        refuse: (sessionId) => this.#refuse(sessionId, channel),
        onUnable: (reason) =>
          options.onNotice?.(
            `Cannot connect to ZooKeeper for the application ${channel.pid}: ${reason}.`,
          ),
        onUnkept: (failure, { sessionId, security }) =>
          options.onNotice?.(
            `Could not keep the session 0x${sessionId} of the stalled application ` +
              `${channel.pid} (a server ${failureText(failure, security)}). ` +
              'It ends at its timeout.',
          ),
        onOver: (outcome, session) => {
          clearTimeout(impatience);
          this.#channels.delete(channel);
          this.#tell(outcome, session);
          this.#onChange();
        },
      });
      this.#channels.add(channel);
      const impatience = setTimeout(() => {
        if (channel.pid === undefined) {
          channel.dismiss();
        }
      }, options.patienceMs ?? PATIENCE_MS);
    });
  }

  /** @param address as of {@link toSocketPath} */
  listen(address: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server
        .on('error', (error) => {
          reject(error);
          if (this.#server.listening) {
            // As without a free file descriptor: those that are connected stay.
            const why = error.message;
            this.#options.onNotice?.(
              `Could not accept an application: ${why}.`,
            );
          }
        })
        .listen(toSocketPath(address), resolve);
    });
  }

  /** Processes whose session it guards. */
  get applications(): number[] {
    return [...this.#channels].flatMap(({ pid, sessionId }) =>
      pid === undefined || sessionId === undefined ? [] : [pid],
    );
  }

  /** Resolves when there is nothing to do for applications that are dead. */
  whenSettled(): Promise<void> {
    return this.#when(
      () => ![...this.#channels].some((channel) => channel.isEnding),
    );
  }

  /** Resolves when no application is connected. */
  whenIdle(): Promise<void> {
    return this.#when(() => this.#channels.size === 0);
  }

  /** Lets go of all applications; closes no session. */
  close(): void {
    this.#server.close();
    for (const channel of this.#channels) {
      channel.dismiss();
    }
  }

  #when(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (isSo()) {
          this.#onChange = () => undefined;
          resolve();
        }
      };
      this.#onChange = look;
      look();
    });
  }

  /**
   * A session whose close has begun is lost for good, whether or not a server has
   * answered: the close may lie in a paused one. One that another channel has is
   * its own no more: two guards would fight over it.
   */
  #refuse(sessionId: string, by: ApplicationChannel): string | undefined {
    if (this.#closed.has(sessionId)) {
      return 'the guardian has closed this session';
    }
    for (const channel of this.#channels) {
      if (channel !== by && channel.sessionId === sessionId) {
        if (channel.isClosing) {
          return 'the guardian is closing this session';
        }
        channel.dismiss();
      }
    }
    return undefined;
  }

  #tell(outcome: Outcome, session: GuardedSession | undefined): void {
    if (!session || outcome === 'dismissed') {
      return;
    }
    const { sessionId, security } = session;
    this.#closed.add(sessionId);
    const [oldest] = this.#closed;
    if (oldest !== undefined && this.#closed.size > REMEMBERED_SESSIONS) {
      this.#closed.delete(oldest);
    }
    this.#options.onNotice?.(
      outcome === 'closed'
        ? `Closed the session 0x${sessionId}: its application is gone.`
        : `Could not close the session 0x${sessionId}, whose application is gone ` +
            `(a server ${failureText(outcome, security)}). It ends at its timeout.`,
    );
  }
}

/** Names the option that is wrong, where one is. */
function failureText(failure: Error, { tls }: ConnectionSecurity): string {
  const hasCertificate = (tls?.cert ?? tls?.pfx) !== undefined;
  return describeConnectFailure(failure, tls !== undefined, hasCertificate)
    .text;
}
