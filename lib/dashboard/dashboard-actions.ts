import {
  BadRequestException,
  ConflictException,
  Logger,
  NotFoundException,
} from '@nestjs/common';
import type { LeaderElections } from '../election/leader-elections.js';
import { requestResignation } from '../election/resign-request.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import { settledWithin } from '../within.js';
import { LOG_CONTEXT } from '../zookeeper-leader.constants.js';
import { checkElectionName } from '../zookeeper-leader.options.js';

/** What became of an action, in a sentence for people. */
export interface ActionResult {
  readonly message: string;
}

/** How long an answer waits for the end of what it has begun. */
const ANSWER_WITHIN_MS = 3_000;
const MOVE_WITHIN_MS = 15_000;

/** Does what the dashboard is asked to do. */
export class DashboardActions {
  readonly #logger = new Logger(LOG_CONTEXT);
  readonly #elections: LeaderElections;
  readonly #tasks: LeaderTasks;

  constructor(elections: LeaderElections, tasks: LeaderTasks) {
    this.#elections = elections;
    this.#tasks = tasks;
  }

  /** This instance gives a leadership up. */
  async resignHere(election: unknown): Promise<ActionResult> {
    const name = this.#electionName(election);
    const { instanceId } = this.#elections;
    const found = this.#elections.names.includes(name)
      ? this.#elections.get(name)
      : undefined;
    if (found?.leadership.role !== 'leader') {
      throw new ConflictException(
        `${instanceId} does not lead the election "${name}".`,
      );
    }
    this.#logger.log(`The dashboard has ${instanceId} resign from "${name}"`);
    const isDone = await settledWithin([found.resign()], ANSWER_WITHIN_MS);
    return {
      message: isDone
        ? `${instanceId} has resigned.`
        : `${instanceId} no longer leads, and makes way when its tasks have ended.`,
    };
  }

  /** The leader, whichever instance it is, makes way for the next in line. */
  async moveLeadership(election: unknown): Promise<ActionResult> {
    const name = this.#electionName(election);
    const { session, instanceId } = this.#elections;
    if (!session) {
      return this.resignHere(name);
    }
    const { outcome, former, next } = await requestResignation({
      client: session.client,
      path: session.paths.election(name),
      requestedBy: `the dashboard of ${instanceId}`,
      timeoutMs: MOVE_WITHIN_MS,
    });
    if (outcome === 'no-leader') {
      throw new ConflictException(`Nobody leads the election "${name}".`);
    }
    return {
      message:
        outcome === 'timed-out'
          ? `${former?.instanceId} was asked, and makes way when its tasks have ended.`
          : `${former?.instanceId} has resigned; ` +
            (next ? `${next.instanceId} leads.` : 'nobody leads yet.'),
    };
  }

  /** Runs a task in this instance, whoever leads, without an entry in its ledger. */
  async runTask(task: unknown): Promise<ActionResult> {
    const name = text(task, 'task');
    if (!this.#tasks.list().some((each) => each.task === name)) {
      throw new NotFoundException(`There is no leader task "${name}" here.`);
    }
    this.#logger.log(`The dashboard has the leader task "${name}" run here`);
    let error: unknown;
    const run = this.#tasks.run(name).catch((reason: unknown) => {
      error = reason;
      this.#logger.error(
        `Leader task "${name}" failed (run from the dashboard)`,
        reason instanceof Error ? reason.stack : String(reason),
      );
    });
    const isDone = await settledWithin([run], ANSWER_WITHIN_MS);
    const { instanceId } = this.#elections;
    if (error !== undefined) {
      throw new ConflictException(
        `"${name}" has failed on ${instanceId}: ${error instanceof Error ? error.message : 'see the log'}`,
      );
    }
    return {
      message: isDone
        ? `"${name}" has run on ${instanceId}.`
        : `"${name}" runs on ${instanceId}.`,
    };
  }

  #electionName(value: unknown): string {
    const name = text(value, 'election');
    try {
      checkElectionName(name, 'election');
    } catch (error) {
      throw new BadRequestException((error as Error).message);
    }
    return name;
  }
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') {
    throw new BadRequestException(`The parameter ${name} is missing`);
  }
  return value;
}
