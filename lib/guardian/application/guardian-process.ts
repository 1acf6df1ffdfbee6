import { awaitEndAtExit } from '../../side-process.js';
import { settledWithin } from '../../within.js';
import type { ConnectionSecurity } from '../../zookeeper/connection-security.js';
import { isPortable } from '../../zookeeper/handshake/sasl-login.js';
import type {
  GuardedSession,
  SessionGuardian,
} from '../../zookeeper/session-guardian.interface.js';
import { Deferred } from '../../deferred.js';
import { closeAtExit } from '../../at-exit.js';
import { PROTOCOL_VERSION, type FromGuardian } from '../channel/protocol.js';
import { ownIdentity } from '../process-identity.js';
import { Acknowledgements } from './acknowledgements.js';
import { ChildGuardian } from './child-guardian.js';
import { SelfFence } from './self-fence.js';
import { SocketGuardian } from './socket-guardian.js';
import { GuardianChannel } from './guardian-channel.js';
import type { LinkEnd } from './guardian-link.js';
import { GuardianNotices, type GuardianNotice } from './guardian-notices.js';
import { RestartPause } from './restart-pause.js';

/** Where a guardian listens, if it is no child of this process. */
export interface GuardianSocket {
  readonly kind: 'run' | 'sidecar';
  readonly address: string;
  readonly token?: string;
}

export interface GuardianProcessOptions {
  /** The option of the module. */
  readonly maxStallMs: number;
  readonly onNotice: (notice: GuardianNotice) => void;
  /**
   * The session may have been closed by a guardian that took this process for
   * dead, and {@link GuardianProcess.isTrusted} is false: it has to be replaced.
   * Sidecars without a shared process namespace only.
   */
  readonly onUntrusted?: (why: string) => void;
  /** What a connection needs now. Default: what the session came with. */
  readonly readSecurity?: () => Promise<ConnectionSecurity>;
  /** Default: a process of its own. */
  readonly socket?: GuardianSocket | undefined;
}

/**
 * Apart from those before requests. Each one wakes the guardian; fewer would let it
 * take a stall that is much shorter than half a timeout for one that is longer.
 */
const SIGNS_PER_TIMEOUT = 12;
const SHORTEST_SIGN_MS = 20;
/** Before there is a session. */
const IDLE_TICK_MS = 500;
/** A guardian that works answers a sign of life sooner, on any machine. */
const SHORTEST_SILENCE_MS = 2_000;
const START_TIMEOUT_MS = 30_000;
/** An application does not wait longer for a guardian. */
const LONGEST_WAIT_MS = 3_000;
const LONGEST_STOP_MS = 2_000;
/** Certificates of an hour are common, and connections last for weeks. */
const RENEW_SECURITY_MS = 300_000;

/**
 * The guardian of this application, as its client has it: a process that is
 * started with {@link start}, replaced when it is gone or does not answer, and
 * given the session at every connection.
 *
 * @example
 * ```ts
 * const guardian = new GuardianProcess({ maxStallMs: 30_000, onNotice });
 * void guardian.start();
 * const client = new WireClient({ guardian, ... });
 * ```
 */
export class GuardianProcess implements SessionGuardian {
  readonly #options: GuardianProcessOptions;
  readonly #pause = new RestartPause();
  readonly #fence: SelfFence;
  readonly #notices: GuardianNotices;
  /** Undefined: a process of its own. */
  #socket: GuardianSocket | undefined;
  #canSeeProcess = true;
  /** When the session was sent to the guardian. */
  #sentMs = 0;
  #channel: GuardianChannel | undefined;
  #isReady = false;
  #session: GuardedSession | undefined;
  /** Of the last `guard` or `release`; the guardian repeats it when it is done. */
  #number = 0;
  readonly #acknowledgements = new Acknowledgements();
  #started: Promise<void> | undefined;
  /** It works, or is not waited for. */
  readonly #usable = new Deferred();
  #forgetExit: (() => void) | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #tickMs = IDLE_TICK_MS;
  /** When the last sign of life was given. */
  #signedMs = Number.NEGATIVE_INFINITY;
  /** Own ticks since the guardian was heard. */
  #silentTicks = 0;
  #restart: NodeJS.Timeout | undefined;
  /** Set when stopping: the guardian needs no attention any more. */
  #dismissed: Deferred | undefined;

  constructor(options: GuardianProcessOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#notices = new GuardianNotices(options.onNotice);
    this.#fence = new SelfFence(() => {
      const why =
        'the connection to the sidecar guardian ended and was not made again in ' +
        'time: the guardian may take this process for dead';
      options.onUntrusted?.(why);
    });
  }

  /**
   * Whether the guardian cannot have taken this process for dead. Where it is
   * false, the session must not be believed in. Cheap: asked for every
   * `isLeader()`.
   */
  isTrusted(): boolean {
    return this.#fence.isTrusted();
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async guard(session: GuardedSession): Promise<boolean> {
    void this.start();
    this.#session = session;
    // After the client, which writes its own last word first.
    this.#forgetExit ??= closeAtExit(() => this.#closeAtExit());
    this.#number += 1;
    this.#tickEvery(
      Math.max(SHORTEST_SIGN_MS, session.sessionTimeoutMs / SIGNS_PER_TIMEOUT),
    );
    const isDone = this.#acknowledgements.of(this.#number, LONGEST_WAIT_MS);
    this.#sendSession();
    if (await isDone) {
      return true;
    }
    if (this.#session === session && !this.#dismissed) {
      this.#miss('has not acknowledged the session yet');
    }
    return false;
  }

  signOfLife(): void {
    // Those at regular intervals suffice, unless there was a stall.
    if (this.#session && performance.now() - this.#signedMs >= this.#tickMs) {
      this.#giveSign();
    }
  }

  async release(): Promise<void> {
    if (!this.#session) {
      return;
    }
    this.#session = undefined;
    this.#fence.disarm();
    this.#number += 1;
    if (this.#channel) {
      const isDone = this.#acknowledgements.of(this.#number, LONGEST_STOP_MS);
      this.#channel.send({ type: 'release', number: this.#number });
      await isDone;
    }
  }

  /**
   * Ends the guardian. Where the session has not been released, it closes that
   * first, alone if it takes long.
   */
  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    clearInterval(this.#renewal);
    clearTimeout(this.#restart);
    this.#forgetExit?.();
    this.#usable.resolve();
    this.#fence.disarm();
    const channel = this.#channel;
    if (!channel || this.#dismissed) {
      return;
    }
    this.#dismissed = new Deferred();
    channel.send({ type: 'close' });
    if (!(await settledWithin([this.#dismissed.promise], LONGEST_STOP_MS))) {
      // It has not even heard that it is to go.
      channel.destroy();
    }
    this.#channel = undefined;
    this.#acknowledgements.end();
  }

  async #start(): Promise<void> {
    this.#tickEvery(IDLE_TICK_MS);
    this.#renewal = setInterval(
      () => void this.#renewSecurity(),
      RENEW_SECURITY_MS,
    ).unref();
    this.#open();
    await settledWithin([this.#usable.promise], LONGEST_WAIT_MS);
  }

  /**
   * The process exits, and no event loop runs any more: has the session closed,
   * and waits for a moment.
   */
  #closeAtExit(): void {
    const channel = this.#channel;
    if (!channel || !this.#session) {
      return;
    }
    channel.send({ type: 'close' });
    awaitEndAtExit(() => channel.isRunning());
  }

  #open(): void {
    this.#isReady = false;
    this.#silentTicks = 0;
    const socket = this.#socket;
    const link = socket
      ? new SocketGuardian(socket.address)
      : new ChildGuardian();
    const channel: GuardianChannel = new GuardianChannel(link, {
      onMessage: (message) => this.#receive(message),
      onAnswer: () => {
        this.#silentTicks = 0;
        if (this.#isReady) {
          this.#notices.works();
        }
      },
      onEnd: (end) => this.#ended(end),
    });
    this.#channel = channel;
    channel.send({
      type: 'hello',
      version: PROTOCOL_VERSION,
      application: ownIdentity(),
      ...(socket?.token !== undefined && { token: socket.token }),
    });
    this.#sendSession();
  }

  /** Also to a guardian that does not run yet: it finds the session then. */
  #sendSession(): void {
    const session = this.#session;
    if (session) {
      const { maxStallMs } = this.#options;
      const number = this.#number;
      this.#sentMs = performance.now();
      // That is a sign of life, too.
      this.#signedMs = this.#sentMs;
      this.#channel?.send({
        type: 'guard',
        number,
        session: this.#portable(session),
        maxStallMs,
      });
    }
  }

  /** The keys of the connection in use may have been rotated since, and have expired. */
  async #renewSecurity(): Promise<void> {
    const session = this.#session;
    if (session?.security.tls) {
      try {
        const security = await this.#options.readSecurity?.();
        if (security && this.#session === session) {
          await this.guard({ ...session, security });
        }
      } catch {
        // The next connection of the application says why.
      }
    }
  }

  /** A function cannot be handed to another process. */
  #portable(session: GuardedSession): GuardedSession {
    const { sasl, ...security } = session.security;
    if (!sasl || isPortable(sasl)) {
      return session;
    }
    this.#notices.cannotCallSasl();
    return { ...session, security };
  }

  #receive(message: FromGuardian): void {
    switch (message.type) {
      case 'ready':
        this.#isReady = true;
        this.#canSeeProcess = message.canSeeProcess;
        if (!this.#session) {
          this.#notices.works();
        }
        this.#usable.resolve();
        break;
      case 'done':
        if (
          message.number === this.#number &&
          this.#session &&
          !this.#canSeeProcess
        ) {
          this.#fence.arm(this.#sentMs);
        }
        this.#acknowledgements.done(message.number);
        break;
      case 'refused':
        // It has been closed in the belief that this process was dead.
        this.#acknowledgements.refused(message.number);
        this.#options.onUntrusted?.(message.reason);
        break;
      case 'unable':
        this.#notices.cannotConnect(message.reason);
        break;
      case 'closing':
        // It goes on alone; without a session it is about to exit.
        if (this.#session) {
          this.#dismissed?.resolve();
        }
        break;
    }
  }

  #ended({ description, fatalReason, isNobodyThere }: LinkEnd): void {
    const wasReady = this.#isReady;
    this.#channel = undefined;
    this.#isReady = false;
    this.#fence.connectionEnded();
    if (isNobodyThere) {
      this.#fence.guardianIsDead();
    }
    if (this.#dismissed) {
      this.#dismissed.resolve();
      return;
    }
    this.#miss(description);
    if (this.#socket?.kind === 'run' && !wasReady) {
      // Its process has ended, or does not answer: one of its own does as well.
      this.#socket = undefined;
    }
    if (fatalReason !== undefined || this.#socket) {
      this.#usable.resolve();
    }
    this.#restart = setTimeout(() => this.#open(), this.#pause.next());
    this.#restart.unref();
  }

  #tickEvery(tickMs: number): void {
    this.#tickMs = tickMs;
    this.#silentTicks = 0;
    clearInterval(this.#ticker);
    this.#ticker = setInterval(() => this.#tick(), tickMs);
    this.#ticker.unref();
  }

  #tick(): void {
    if (!this.#channel) {
      return;
    }
    const { sessionTimeoutMs = 0 } = this.#session ?? {};
    const tolerated = this.#isReady
      ? Math.max(SHORTEST_SILENCE_MS, sessionTimeoutMs)
      : this.#socket
        ? LONGEST_WAIT_MS
        : START_TIMEOUT_MS;
    this.#silentTicks += 1;
    // Counted in ticks: a pause of this process is not the guardian's silence.
    if (this.#silentTicks * this.#tickMs <= tolerated) {
      this.#giveSign();
    } else if (this.#fence.isArmed) {
      // The end of this connection would be taken for the end of this process.
      this.#miss('does not answer');
      this.#giveSign();
    } else {
      this.#channel.destroy();
      this.#ended({ description: 'did not answer' });
    }
  }

  #giveSign(): void {
    this.#signedMs = performance.now();
    this.#channel?.signOfLife();
  }

  #miss(description: string): void {
    this.#notices.missed(description, this.#session?.sessionTimeoutMs);
  }
}
