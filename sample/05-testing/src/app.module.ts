import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';
import { InvoicesController } from './invoices.controller.js';
import { InvoicesService } from './invoices.service.js';
import { Mailer } from './mailer.js';

@Module({
  imports: [ScheduleModule.forRoot(), ZookeeperLeaderModule.forRoot()],
  controllers: [InvoicesController],
  providers: [InvoicesService, Mailer],
})
export class AppModule {}
