import {
  BadRequestException,
  ConflictException,
  HttpException,
  NotFoundException,
} from '@nestjs/common';
import { LibraryLogger } from '../library-logger.js';
import type { LeaderElections } from '../election/leader-elections.js';
import { requestResignation } from '../operations/resign-request.js';
import { messageOf, stackOf } from '../message-of.js';
import type { AuditedAction } from '../operations/audit-log.js';
import { audited } from '../operations/audited.js';
import { drainInstance, undrainInstance } from '../operations/drain.js';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import { pauseTask, resumeTask } from '../tasks/ledger/task-pauses.js';
import { settledWithin } from '../within.js';
import { checkElectionName } from '../zookeeper-leader.options.js';
import type { Actor } from './actor.js';

/** What became of an action, in a sentence for people. */
export interface ActionResult {
  readonly message: string;
}

/** How long an answer waits for the end of what it has begun. */
const ANSWER_WITHIN_MS = 3_000;
const MOVE_WITHIN_MS = 15_000;
/** The status that proxies log in this case; nobody receives it. */
const CLOSED_REQUEST = 499;

/** Does what the dashboard is asked to do, and writes down who asked. */
export class DashboardActions {
  readonly #logger = new LibraryLogger();
  readonly #elections: LeaderElections;
  readonly #tasks: LeaderTasks;

  constructor(elections: LeaderElections, tasks: LeaderTasks) {
    this.#elections = elections;
    this.#tasks = tasks;
  }

  /**
   * The leader that is named makes way for the next in line, wherever it is.
   *
   * @param instance who is meant to make way
   */
  async handOver(
    actor: Actor,
    election: unknown,
    instance: unknown,
  ): Promise<ActionResult> {
    const name = this.#electionName(election);
    const meant = text(instance, 'instance');
    return this.#perform(actor, 'hand-over', name, async () => {
      const { session } = this.#elections;
      if (!session) {
        return this.#resignHere(name, meant);
      }
      const { outcome, former, next } = await requestResignation({
        client: session.client,
        path: session.paths.election(name),
        requestedBy: `${actor.by}, ${actor.from}`,
        timeoutMs: MOVE_WITHIN_MS,
        instanceId: meant,
      });
      if (outcome === 'no-leader') {
        throw new ConflictException(`Nobody leads the election "${name}".`);
      }
      if (outcome === 'other-leader') {
        throw new ConflictException(
          `${meant} does not lead the election "${name}" any more: ${former?.instanceId} does.`,
        );
      }
      if (outcome === 'timed-out') {
        return `${former?.instanceId} was asked, and makes way when its tasks have ended.`;
      }
      const then = next ? `${next.instanceId} leads` : 'nobody leads yet';
      return `${former?.instanceId} has resigned; ${then}.`;
    });
  }

  /** The leader runs a task now, wherever it is, and the ledger remembers it. */
  async runTask(
    actor: Actor,
    task: unknown,
    force: unknown,
  ): Promise<ActionResult> {
    const name = this.#taskName(task);
    return this.#perform(actor, 'run-task', name, async () => {
      const run = this.#tasks.requestRun(name, {
        by: actor.by,
        force: force === 'yes',
      });
      if (!(await settledWithin([run], ANSWER_WITHIN_MS))) {
        run.catch(() => undefined);
        return `The leader was asked to run "${name}"; the run has not ended yet.`;
      }
      const { instanceId, outcome, reason, error } = await run;
      const why = [reason, error].filter(Boolean).join(': ');
      return outcome === 'finished'
        ? `"${name}" has run on ${instanceId}.`
        : `"${name}" on ${instanceId}: ${outcome}${why && ` (${why})`}.`;
    });
  }

  /**
   * Runs a task in this instance, leader or not, without an entry in its ledger.
   *
   * @param instance which instance is meant: refused by any other
   */
  async runHere(
    actor: Actor,
    task: unknown,
    instance: unknown,
  ): Promise<ActionResult> {
    this.#checkMeant(text(instance, 'instance'));
    const name = this.#taskName(task);
    const { instanceId } = this.#elections;
    return this.#perform(actor, 'run-here', name, async () => {
      let error: unknown;
      const run = this.#tasks.runHere(name).catch((reason: unknown) => {
        error = reason;
        this.#logger.error(
          `Leader task "${name}" failed (run from the dashboard)`,
          stackOf(reason),
        );
      });
      const isDone = await settledWithin([run], ANSWER_WITHIN_MS);
      if (error !== undefined) {
        throw new ConflictException(
          `"${name}" has failed on ${instanceId}: ${messageOf(error)}`,
        );
      }
      return isDone
        ? `"${name}" has run on ${instanceId}.`
        : `"${name}" runs on ${instanceId}.`;
    });
  }

  /** Nobody runs a task any more, until it is resumed. */
  async pauseTask(
    actor: Actor,
    task: unknown,
    reason: unknown,
  ): Promise<ActionResult> {
    const name = this.#taskName(task);
    return this.#perform(actor, 'pause-task', name, async () => {
      const pause = await pauseTask(this.#tasks.nodes, name, {
        by: actor.by,
        ...(typeof reason === 'string' && reason !== '' && { reason }),
      });
      return `"${name}" is paused by ${pause.by}.`;
    });
  }

  /** @param catchUp 'yes': the ticks of the pause count as missed */
  async resumeTask(
    actor: Actor,
    task: unknown,
    catchUp: unknown,
  ): Promise<ActionResult> {
    const name = this.#taskName(task);
    return this.#perform(actor, 'resume-task', name, async () => {
      const wasPaused = await resumeTask(
        this.#tasks.nodes,
        name,
        catchUp === 'yes',
      );
      return wasPaused ? `"${name}" is resumed.` : `"${name}" was not paused.`;
    });
  }

  /** An instance leaves all elections, wherever it is, until it is undrained. */
  async drain(
    actor: Actor,
    instance: unknown,
    isWanted: boolean,
  ): Promise<ActionResult> {
    const meant = text(instance, 'instance');
    const { session } = this.#elections;
    if (!session) {
      throw new ConflictException(
        'Without ZooKeeper there is nobody else who could lead.',
      );
    }
    return this.#perform(
      actor,
      isWanted ? 'drain' : 'undrain',
      meant,
      async () => {
        if (isWanted) {
          await drainInstance(session, meant, actor.by);
          return `${meant} leaves all elections.`;
        }
        return (await undrainInstance(session, meant))
          ? `${meant} takes part again.`
          : `${meant} was not drained.`;
      },
    );
  }

  /**
   * Does the work, and writes down who wanted it and what became of it. Nothing is
   * done for somebody who has left: they may have sent the request again.
   */
  async #perform(
    { by, from, hasLeft }: Actor,
    action: AuditedAction,
    target: string,
    work: () => Promise<string>,
  ): Promise<ActionResult> {
    const what = `${action} ${JSON.stringify(target)}`;
    if (hasLeft) {
      const message = `Not done: ${what}, for which ${by} asked on ${from}. The client closed the request before a guard answered`;
      this.#logger.warn(message);
      throw new HttpException(message, CLOSED_REQUEST);
    }
    this.#logger.log(`${by} asks on ${from}: ${what}`);
    try {
      return await audited(
        this.#elections.session,
        { action, target, by, from },
        async () => {
          const outcome = await work();
          return { outcome, result: { message: outcome } };
        },
        this.#logger,
      );
    } catch (error) {
      throw error instanceof HttpException
        ? error
        : new ConflictException(messageOf(error));
    }
  }

  /** Without ZooKeeper this instance is all there is. */
  async #resignHere(name: string, meant: string): Promise<string> {
    this.#checkMeant(meant);
    const { instanceId } = this.#elections;
    const found = this.#elections.names.includes(name)
      ? this.#elections.get(name)
      : undefined;
    if (found?.leadership.role !== 'leader') {
      throw new ConflictException(`Nobody leads the election "${name}".`);
    }
    const isDone = await settledWithin([found.resign()], ANSWER_WITHIN_MS);
    return isDone
      ? `${instanceId} has resigned.`
      : `${instanceId} no longer leads, and makes way when its tasks have ended.`;
  }

  /** A load balancer may have chosen another instance than the page came from. */
  #checkMeant(meant: string): void {
    const { instanceId } = this.#elections;
    if (meant !== instanceId) {
      throw new ConflictException(
        `This request is meant for ${meant}, and has reached ${instanceId}. Load the page again.`,
      );
    }
  }

  #taskName(value: unknown): string {
    const name = text(value, 'task');
    if (!this.#tasks.running().some(([task]) => task === name)) {
      throw new NotFoundException(`There is no leader task "${name}" here.`);
    }
    return name;
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
