import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { ZookeeperLeaderHealthIndicator } from 'nestjs-zookeeper-leader/health';

/** Whether this instance is ready, and who leads. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly leader: ZookeeperLeaderHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.leader.isHealthy('leader')]);
  }
}
