/**
 * Options of {@link OnlyLeader}.
 *
 * @publicApi
 */
export interface LeaderTaskOptions {
  /** Name of the election whose leader runs the task. Default `default`. */
  readonly election?: string;
  /** Name of the task. Default `ClassName.method`. */
  readonly task?: string;
}
