/**
 * A leader task cannot do what it was asked for:
 * - `UNKNOWN_TASK`: this application has no task of that name;
 * - `NO_LEDGER`: the task has no run ledger;
 * - `LEDGER_CORRUPT`: the znode of the ledger holds something else. It is left as
 *   it is, and no tick is run, until somebody has looked at it;
 * - `LEDGER_AHEAD`: the ledger says that ticks of the future have been run, as
 *   after a leader with a wrong clock;
 * - `TIME_LIMIT`: a run took longer than `timeLimitMs`;
 * - `NO_LEADER`: nobody leads the task's election, and nothing was run;
 * - `NO_PERMISSION`: ZooKeeper does not let this instance ask the leader;
 * - `NO_ANSWER`: the leader has not answered. The message says whether it may have
 *   run the task;
 * - `CLOSED`: the application is closing.
 *
 * @publicApi
 */
export class LeaderTaskError extends Error {
  override readonly name = 'LeaderTaskError';

  constructor(
    readonly code:
      | 'UNKNOWN_TASK'
      | 'NO_LEDGER'
      | 'LEDGER_CORRUPT'
      | 'LEDGER_AHEAD'
      | 'TIME_LIMIT'
      | 'NO_LEADER'
      | 'NO_PERMISSION'
      | 'NO_ANSWER'
      | 'CLOSED',
    message: string,
  ) {
    super(message);
  }
}
