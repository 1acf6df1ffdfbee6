import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';
import { MailboxesController } from './mailboxes.controller.js';
import { MailboxesService } from './mailboxes.service.js';

@Module({
  // ZOOKEEPER_CONNECTION_STRING says where ZooKeeper is.
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({ basePath: '/sample-03' }),
  ],
  controllers: [MailboxesController],
  providers: [MailboxesService],
})
export class AppModule {}
