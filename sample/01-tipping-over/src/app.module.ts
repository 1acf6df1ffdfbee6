import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';
import { ReportsService } from './reports.service.js';
import { TippingOver } from './tipping-over.js';

@Module({
  // ZOOKEEPER_CONNECTION_STRING says where ZooKeeper is.
  imports: [ScheduleModule.forRoot(), ZookeeperLeaderModule.forRoot()],
  providers: [ReportsService, TippingOver],
})
export class AppModule {}
