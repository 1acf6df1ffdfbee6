import { Injectable } from '@nestjs/common';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Reminder } from './reminder.js';

/**
 * Where all instances find the reminders. A file, to keep the sample small: a real
 * application has a database.
 */
@Injectable()
export class ReminderStore {
  private readonly file = process.env.REMINDERS_FILE ?? 'reminders.json';

  async list(): Promise<Reminder[]> {
    try {
      return JSON.parse(await readFile(this.file, 'utf8')) as Reminder[];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return [];
      }
      throw error;
    }
  }

  async put(reminder: Reminder): Promise<void> {
    const others = await this.without(reminder.name);
    await this.write([...others, reminder]);
  }

  async delete(name: string): Promise<void> {
    await this.write(await this.without(name));
  }

  private async without(name: string): Promise<Reminder[]> {
    return (await this.list()).filter((each) => each.name !== name);
  }

  private async write(reminders: readonly Reminder[]): Promise<void> {
    // In one step: nobody reads half of it.
    const next = `${this.file}.${process.pid}`;
    await writeFile(next, JSON.stringify(reminders));
    await rename(next, this.file);
  }
}
