import type { LeadershipReason } from './leadership.interface.js';

/**
 * The reason with which the signal of a {@link LeadershipTerm} aborts.
 *
 * @publicApi
 */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';

  constructor(
    /** Name of the election. */
    readonly election: string,
    /** What ended the term. */
    readonly reason: LeadershipReason,
  ) {
    super(
      `This instance no longer leads the election "${election}": ${reason}`,
    );
  }
}

/**
 * An election cannot do what it was asked for:
 * - `TIMEOUT`: waiting took longer than `timeoutMs`;
 * - `CLOSED`: the application is closing, or the election has been disposed of;
 * - `DISABLED`: this instance never takes part (`enabled: false`).
 *
 * @publicApi
 */
export class LeaderElectionError extends Error {
  override readonly name = 'LeaderElectionError';

  constructor(
    readonly code: 'TIMEOUT' | 'CLOSED' | 'DISABLED',
    message: string,
  ) {
    super(message);
  }
}
