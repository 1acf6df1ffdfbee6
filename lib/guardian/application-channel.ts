import type { Duplex } from 'node:stream';
import type { ConnectionSecurity } from '../zookeeper/connection-security.js';
import type { GuardedSession } from '../zookeeper/session-guardian.interface.js';
import type { attach } from './attach.js';
import { LineSplitter } from './channel/line-splitter.js';
import {
  decode,
  encode,
  isToGuardian,
  PROTOCOL_VERSION,
  SIGN,
  type FromGuardian,
  type ToGuardian,
} from './channel/protocol.js';
import { messageOf } from '../message-of.js';
import type { Life, ProcessIdentity } from './process-identity.js';
import {
  SessionGuard,
  type Outcome,
  type SessionGuardOptions,
} from './session-guard.js';

export interface ApplicationChannelOptions {
  readonly attach: typeof attach;
  /** How to look at the application that has said who it is. */
  readonly lookerAt: (application: ProcessIdentity) => () => Life;
  /** What applications have to know; undefined: nothing. */
  readonly token?: string | undefined;
  /** Why a session is not to be guarded; undefined if it may be. */
  readonly refuse?: (sessionId: string) => string | undefined;
  /** The application has given what no connection can be made with. */
  readonly onUnable?: (reason: string) => void;
  /** As of {@link SessionGuardOptions}. */
  readonly onUnkept?: SessionGuardOptions['onUnkept'];
  /** Nothing comes after it. */
  readonly onOver: (
    outcome: Outcome,
    session: GuardedSession | undefined,
  ) => void;
}

/** A guardian's end of the channel to one application. */
export class ApplicationChannel {
  readonly #stream: Duplex;
  readonly #options: ApplicationChannelOptions;
  #guard: SessionGuard | undefined;
  #pid: number | undefined;
  #isEnding = false;
  #isOver = false;

  constructor(stream: Duplex, options: ApplicationChannelOptions) {
    this.#stream = stream;
    this.#options = options;
    const lines = new LineSplitter((line) => this.#receive(line));
    const end = (): void => this.#end();
    stream.setEncoding('utf8');
    stream
      .on('data', (text: string) => {
        try {
          lines.push(text);
        } catch {
          // Not one of ours, or not in its right mind.
          stream.destroy();
        }
      })
      .on('end', end)
      .on('close', end)
      .on('error', end);
  }

  get sessionId(): string | undefined {
    return this.#guard?.session?.sessionId;
  }

  /** Of the application, as it says. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Whether nobody may use the session any more. */
  get isClosing(): boolean {
    return this.#guard?.isClosing ?? false;
  }

  /** Whether the application has gone, or is going: something is still to do. */
  get isEnding(): boolean {
    return this.#isEnding && !this.#isOver;
  }

  /** The application has another channel to this guardian now. */
  dismiss(): void {
    this.#stream.destroy();
    this.#guard?.dismiss();
  }

  /** @throws {SyntaxError} if the line is none of the protocol */
  #receive(line: string): void {
    if (line === SIGN) {
      this.#guard?.sawLife();
      this.#answerSign();
      return;
    }
    const message = decode(line);
    if (isToGuardian(message)) {
      this.#act(message);
    }
  }

  #act(message: ToGuardian): void {
    if (message.type === 'hello') {
      this.#meet(message);
      return;
    }
    const guard = this.#guard;
    if (!guard) {
      throw new SyntaxError('the application has not said who it is');
    }
    guard.sawLife();
    switch (message.type) {
      case 'guard': {
        const { number, session, maxStallMs } = message;
        const reason = this.#options.refuse?.(session.sessionId);
        if (reason === undefined) {
          guard.guard(session, maxStallMs);
          preload(session.security, (problem) => {
            this.#send({ type: 'unable', reason: problem });
            this.#options.onUnable?.(problem);
          });
          this.#send({ type: 'done', number });
        } else {
          this.#send({ type: 'refused', number, reason });
        }
        break;
      }
      case 'release':
        guard.release();
        this.#send({ type: 'done', number: message.number });
        break;
      case 'close':
        this.#isEnding = true;
        this.#send({ type: 'closing' });
        guard.close();
        break;
    }
  }

  #meet({ application, token }: ToGuardian & { type: 'hello' }): void {
    if (token !== this.#options.token || this.#guard) {
      throw new SyntaxError('an application without the token');
    }
    this.#pid = application.pid;
    const look = this.#options.lookerAt(application);
    this.#guard = new SessionGuard({
      attach: this.#options.attach,
      look,
      onUnkept: this.#options.onUnkept,
      onOver: (outcome) => this.#over(outcome),
    });
    this.#send({
      type: 'ready',
      version: PROTOCOL_VERSION,
      canSeeProcess: look() !== 'unknown',
    });
  }

  #end(): void {
    this.#isEnding = true;
    if (this.#guard) {
      this.#guard.channelEnded();
    } else {
      this.#over('dismissed');
    }
  }

  #over(outcome: Outcome): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#stream.destroy();
      this.#options.onOver(outcome, this.#guard?.session);
    }
  }

  #send(message: FromGuardian): void {
    if (!this.#stream.destroyed) {
      this.#stream.write(encode(message));
    }
  }

  /** For an application that does not read no answers are kept. */
  #answerSign(): void {
    if (this.#stream.writableLength === 0 && !this.#stream.destroyed) {
      this.#stream.write(`${SIGN}\n`);
    }
  }
}

/**
 * Loads what a connection needs before it is needed: it takes tens of milliseconds.
 * What it cannot use is said now, and not only when the application is dead.
 */
function preload(
  { tls, sasl }: ConnectionSecurity,
  onUnable: (reason: string) => void,
): void {
  setImmediate(() => {
    if (tls) {
      // The first context loads more, and takes as long as all else together.
      const { createSecureContext } = process.getBuiltinModule('node:tls');
      try {
        createSecureContext(tls);
      } catch (error) {
        onUnable(`the option tls: ${messageOf(error)}`);
      }
    }
    if (sasl) {
      process.getBuiltinModule('node:crypto');
    }
  });
}
