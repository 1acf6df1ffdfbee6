/**
 * A leader task cannot do what it was asked for:
 * - `UNKNOWN_TASK`: this application has no task of that name;
 * - `NO_LEDGER`: the task has no run ledger;
 * - `LEDGER_CORRUPT`: the znode of the ledger holds something else. It is left as
 *   it is, and no tick is run, until somebody has looked at it;
 * - `CLOSED`: the application is closing.
 *
 * @publicApi
 */
export class LeaderTaskError extends Error {
  override readonly name = 'LeaderTaskError';

  constructor(
    readonly code: 'UNKNOWN_TASK' | 'NO_LEDGER' | 'LEDGER_CORRUPT' | 'CLOSED',
    message: string,
  ) {
    super(message);
  }
}
