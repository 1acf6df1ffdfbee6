import { Injectable, Logger } from '@nestjs/common';
import { Cron, CronExpression } from '@nestjs/schedule';
import {
  LeaderElection,
  OnDeposed,
  OnElected,
  OnlyLeader,
  type LeadershipReason,
  type LeadershipTerm,
} from 'nestjs-zookeeper-leader';
import { tell } from './story.js';
import { TippingOver } from './tipping-over.js';

@Injectable()
export class ReportsService {
  readonly #logger = new Logger(ReportsService.name);
  #reports = 0;

  constructor(
    private readonly election: LeaderElection,
    private readonly tippingOver: TippingOver,
  ) {}

  /** Every instance has this job; the leader alone runs it. */
  @Cron(CronExpression.EVERY_SECOND)
  @OnlyLeader()
  sendReport(): void {
    this.#reports += 1;
    this.#logger.log(
      `${this.election.instanceId} sends report ${this.#reports}`,
    );
    tell('tick', { number: this.#reports });
    this.tippingOver.afterReport(this.#reports);
  }

  @OnElected()
  elected({ instanceId, fencingToken }: LeadershipTerm): void {
    tell('leading', { instanceId, fencingToken });
  }

  @OnDeposed()
  deposed(_term: LeadershipTerm, reason: LeadershipReason): void {
    tell('deposed', { reason });
  }
}
