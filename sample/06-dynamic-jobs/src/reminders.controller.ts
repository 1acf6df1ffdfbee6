import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { LeaderTasks, type LeaderTaskInfo } from 'nestjs-zookeeper-leader';
import { ReminderStore } from './reminder.store.js';

/** Any instance takes orders. */
@Controller('reminders')
export class RemindersController {
  constructor(
    private readonly store: ReminderStore,
    private readonly tasks: LeaderTasks,
  ) {}

  @Get()
  list(): LeaderTaskInfo[] {
    return this.tasks.list();
  }

  @Put(':name')
  async put(
    @Param('name') name: string,
    @Body() { cron, text }: { cron: string; text: string },
  ): Promise<void> {
    await this.store.put({ name, cron, text });
  }

  @Delete(':name')
  async delete(@Param('name') name: string): Promise<void> {
    await this.store.delete(name);
  }
}
