import { HttpCode, Inject, Post, Query } from '@nestjs/common';
import { DashboardActions, type ActionResult } from './dashboard-actions.js';

/** What may be done on the dashboard; there only if the option says so. */
export class DashboardActionsController {
  readonly #actions: DashboardActions;

  constructor(@Inject(DashboardActions) actions: DashboardActions) {
    this.#actions = actions;
  }

  @Post('api/hand-over')
  @HttpCode(200)
  handOver(
    @Query('election') election: unknown,
    @Query('instance') instance: unknown,
  ): Promise<ActionResult> {
    return this.#actions.handOver(election, instance);
  }

  @Post('api/run-here')
  @HttpCode(200)
  runHere(
    @Query('task') task: unknown,
    @Query('instance') instance: unknown,
  ): Promise<ActionResult> {
    return this.#actions.runHere(task, instance);
  }
}
