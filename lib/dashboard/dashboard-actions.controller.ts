import { HttpCode, Inject, Post, Query, Req } from '@nestjs/common';
import { LeaderElections } from '../election/leader-elections.js';
import { actorOf, type Actor } from './actor.js';
import { DashboardActions, type ActionResult } from './dashboard-actions.js';
import {
  DASHBOARD_OPTIONS,
  type CheckedDashboardOptions,
} from './dashboard-options.js';

/** What may be done on the dashboard; there only if the option says so. */
export class DashboardActionsController {
  readonly #actions: DashboardActions;
  readonly #instanceId: string;
  readonly #options: CheckedDashboardOptions;

  constructor(
    @Inject(DashboardActions) actions: DashboardActions,
    @Inject(LeaderElections) elections: LeaderElections,
    @Inject(DASHBOARD_OPTIONS) options: CheckedDashboardOptions,
  ) {
    this.#actions = actions;
    this.#instanceId = elections.instanceId;
    this.#options = options;
  }

  @Post('api/hand-over')
  @HttpCode(200)
  handOver(
    @Req() request: object,
    @Query('election') election: unknown,
    @Query('instance') instance: unknown,
  ): Promise<ActionResult> {
    return this.#actions.handOver(this.#actor(request), election, instance);
  }

  @Post('api/run-task')
  @HttpCode(200)
  runTask(
    @Req() request: object,
    @Query('task') task: unknown,
    @Query('force') force: unknown,
  ): Promise<ActionResult> {
    return this.#actions.runTask(this.#actor(request), task, force);
  }

  @Post('api/run-here')
  @HttpCode(200)
  runHere(
    @Req() request: object,
    @Query('task') task: unknown,
    @Query('instance') instance: unknown,
  ): Promise<ActionResult> {
    return this.#actions.runHere(this.#actor(request), task, instance);
  }

  @Post('api/pause-task')
  @HttpCode(200)
  pauseTask(
    @Req() request: object,
    @Query('task') task: unknown,
    @Query('reason') reason: unknown,
  ): Promise<ActionResult> {
    return this.#actions.pauseTask(this.#actor(request), task, reason);
  }

  @Post('api/resume-task')
  @HttpCode(200)
  resumeTask(
    @Req() request: object,
    @Query('task') task: unknown,
    @Query('catchUp') catchUp: unknown,
  ): Promise<ActionResult> {
    return this.#actions.resumeTask(this.#actor(request), task, catchUp);
  }

  @Post('api/drain')
  @HttpCode(200)
  drain(
    @Req() request: object,
    @Query('instance') instance: unknown,
  ): Promise<ActionResult> {
    return this.#actions.drain(this.#actor(request), instance, true);
  }

  @Post('api/undrain')
  @HttpCode(200)
  undrain(
    @Req() request: object,
    @Query('instance') instance: unknown,
  ): Promise<ActionResult> {
    return this.#actions.drain(this.#actor(request), instance, false);
  }

  #actor(request: object): Actor {
    return actorOf(request, this.#instanceId, (each) =>
      this.#options.actions?.who?.(each),
    );
  }
}
