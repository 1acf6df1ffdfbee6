import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';
import { Messenger } from './messenger.js';
import { ReminderStore } from './reminder.store.js';
import { RemindersController } from './reminders.controller.js';
import { RemindersService } from './reminders.service.js';

@Module({
  // ZOOKEEPER_CONNECTION_STRING says where ZooKeeper is.
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({ basePath: '/sample-06' }),
  ],
  controllers: [RemindersController],
  providers: [RemindersService, ReminderStore, Messenger],
})
export class AppModule {}
