import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TerminusModule } from '@nestjs/terminus';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';
import { ZookeeperLeaderDashboardModule } from 'nestjs-zookeeper-leader/dashboard';
import { ZookeeperLeaderHealthIndicator } from 'nestjs-zookeeper-leader/health';
import { ZookeeperLeaderMetricsModule } from 'nestjs-zookeeper-leader/metrics';
import { HealthController } from './health.controller.js';
import { InvoicesService } from './invoices.service.js';
import { OperatorGuard } from './operator.guard.js';

const { INSTANCE_ID } = process.env;

@Module({
  imports: [
    ScheduleModule.forRoot(),
    TerminusModule,
    // GET /metrics
    PrometheusModule.register(),
    // ZOOKEEPER_CONNECTION_STRING says where ZooKeeper is.
    ZookeeperLeaderModule.forRoot({
      ...(INSTANCE_ID && { instanceId: INSTANCE_ID }),
    }),
    ZookeeperLeaderMetricsModule.forRoot(),
    // GET /leadership
    ZookeeperLeaderDashboardModule.forRoot({
      actions: { guard: OperatorGuard },
    }),
  ],
  controllers: [HealthController],
  providers: [InvoicesService, ZookeeperLeaderHealthIndicator],
})
export class AppModule {}
