import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';
import { Balancer } from './balancer.js';
import { ShardWorker } from './shard-worker.js';
import { ShardsController } from './shards.controller.js';
import { Shards } from './shards.js';

@Module({
  // ZOOKEEPER_CONNECTION_STRING says where ZooKeeper is.
  imports: [
    ScheduleModule.forRoot(),
    ZookeeperLeaderModule.forRoot({ basePath: '/sample-03' }),
  ],
  controllers: [ShardsController],
  providers: [Shards, ShardWorker, Balancer],
})
export class AppModule {}
