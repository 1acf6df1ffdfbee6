import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';
import { BackupService } from './backup.service.js';
import { CheckIns } from './check-ins.service.js';

@Module({
  // ZOOKEEPER_CONNECTION_STRING says where ZooKeeper is.
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({ basePath: '/sample-07' }),
  ],
  providers: [BackupService, CheckIns],
})
export class AppModule {}
