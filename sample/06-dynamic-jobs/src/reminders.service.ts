import { Injectable } from '@nestjs/common';
import { Interval, SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import { LeaderElection } from 'nestjs-zookeeper-leader';
import { Messenger } from './messenger.js';
import type { Reminder } from './reminder.js';
import { ReminderStore } from './reminder.store.js';

/**
 * Keeps a job for every reminder. Every instance has all of them, so any instance
 * can take over. Only the leader's jobs send.
 */
@Injectable()
export class RemindersService {
  private readonly known = new Map<
    string,
    { readonly text: string; dispose(): void }
  >();

  constructor(
    private readonly election: LeaderElection,
    private readonly registry: SchedulerRegistry,
    private readonly store: ReminderStore,
    private readonly messenger: Messenger,
  ) {}

  /** Does here what has been changed anywhere. */
  @Interval(500)
  async follow(): Promise<void> {
    const reminders = await this.store.list();
    for (const name of this.known.keys()) {
      if (!reminders.some((reminder) => reminder.name === name)) {
        this.remove(name);
      }
    }
    for (const reminder of reminders) {
      if (this.known.get(reminder.name)?.text !== JSON.stringify(reminder)) {
        this.remove(reminder.name);
        this.add(reminder);
      }
    }
  }

  private add(reminder: Reminder): void {
    const { name, cron, text } = reminder;
    // With a name, the task can be listed and has events.
    const remind = this.election.onlyLeader(
      () => this.messenger.tell(`${name}: ${text}`),
      { task: `reminder ${name}` },
    );
    // The function itself, or a job with the name of the task: by either the
    // library finds the schedule, and all instances name a tick alike.
    const job = CronJob.from({ cronTime: cron, onTick: remind });
    this.registry.addCronJob(name, job);
    job.start();
    this.known.set(name, {
      text: JSON.stringify(reminder),
      dispose: () => {
        this.registry.deleteCronJob(name);
        remind.dispose();
      },
    });
  }

  private remove(name: string): void {
    this.known.get(name)?.dispose();
    this.known.delete(name);
  }
}
