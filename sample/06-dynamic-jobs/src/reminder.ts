/** Something that people want to be reminded of. */
export interface Reminder {
  readonly name: string;
  /** When, as a cron expression. */
  readonly cron: string;
  readonly text: string;
}
