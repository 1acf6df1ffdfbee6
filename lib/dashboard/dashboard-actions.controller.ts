import { HttpCode, Inject, Post, Query } from '@nestjs/common';
import { DashboardActions, type ActionResult } from './dashboard-actions.js';

/** What may be done on the dashboard; there only if the option says so. */
export class DashboardActionsController {
  readonly #actions: DashboardActions;

  constructor(@Inject(DashboardActions) actions: DashboardActions) {
    this.#actions = actions;
  }

  @Post('api/resign-here')
  @HttpCode(200)
  resignHere(@Query('election') election: unknown): Promise<ActionResult> {
    return this.#actions.resignHere(election);
  }

  @Post('api/move-leadership')
  @HttpCode(200)
  moveLeadership(@Query('election') election: unknown): Promise<ActionResult> {
    return this.#actions.moveLeadership(election);
  }

  @Post('api/run-task')
  @HttpCode(200)
  runTask(@Query('task') task: unknown): Promise<ActionResult> {
    return this.#actions.runTask(task);
  }
}
