import type { Duplex } from 'node:stream';

/** How a guardian, or the way to it, has come to its end. */
export interface LinkEnd {
  /** Goes on where "The guardian" ends. */
  readonly description: string;
  /** Why it could not be had, where another attempt makes no sense. */
  readonly fatalReason?: string;
  /** Nobody listens where the guardian was: its process has ended. */
  readonly isNobodyThere?: boolean;
}

/** A guardian as the application has it. */
export interface GuardianLink {
  /** May be written to at once. */
  readonly stream: Duplex;
  /** Called once, when the stream is at its end and all is known. */
  onEnd: (end: LinkEnd) => void;
  /** Gives it up; a process that belongs to this application is killed. */
  destroy(): void;
  /**
   * Whether a process that belongs to this application still runs, asked
   * without the help of the event loop.
   */
  isRunning(): boolean;
}
