/** With what the command line ends. */
export const EXIT = {
  /** Done; for `status`: there are instances, and all is led and owned. */
  done: 0,
  /** Something unexpected; the message says what. */
  failed: 1,
  /** The arguments are wrong. */
  usage: 2,
  /** ZooKeeper cannot be reached, or refuses. */
  unreachable: 3,
  /** There is no such election, task or instance; for `status`: no instance. */
  notFound: 4,
  /** An election has no leader. */
  leaderless: 5,
  /** The leader has not made way in time. */
  timedOut: 6,
  /** For `tasks`: the last run of a task did not end well. */
  failing: 7,
  /** For `doctor`: it has found something that has to be mended. */
  unhealthy: 8,
  /** A partition has had no owner for longer than a move takes. */
  unowned: 9,
  /**
   * A leader is of another application or version than who waits, or several
   * applications share partitions.
   */
  foreignLeader: 10,
  /** Interrupted, as by Ctrl-C, before it was done. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a message and an exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    readonly exitCode: ExitCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
