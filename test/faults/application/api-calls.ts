import { setTimeout as delay } from 'node:timers/promises';
import type { LeaderElection, LeaderTasks } from '../../../lib/index.js';
import type { CallReport, PendingCall } from './protocol.js';
import { askForLeader } from './observing.js';
import { now, tell } from './tell.js';

const PAUSE_MS = 150;
/** How long a leader task is paused. */
const TASK_PAUSE_MS = 400;
/** A run that was claimed before the pause has begun by then. */
const BEGUN_BY_MS = 100;

/**
 * Calls the public API all the time, as an application does, and keeps account
 * of the promises: each has to settle, whatever happens.
 */
export class ApiCalls {
  readonly #elections: readonly LeaderElection[];
  readonly #tasks: LeaderTasks;
  /** Of tasks that may be paused. */
  readonly #names: readonly string[];
  readonly #pending = new Map<number, PendingCall>();
  #made = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    elections: readonly LeaderElection[],
    tasks: LeaderTasks,
    names: readonly string[],
  ) {
    this.#elections = elections;
    this.#tasks = tasks;
    this.#names = names;
  }

  get pending(): PendingCall[] {
    return [...this.#pending.values()];
  }

  start(): void {
    this.#timer = setInterval(() => this.#next(), PAUSE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Rejections are the API's right; what counts is that it settles. */
  track(name: string, promise: Promise<unknown>): void {
    const id = ++this.#made;
    this.#pending.set(id, { name, sinceMs: now() });
    const settled = (): void => void this.#pending.delete(id);
    promise.then(settled, settled);
  }

  report(): CallReport {
    return { made: this.#made, pending: this.pending };
  }

  /** No pause goes on: who began it may have died, or been cut off, before its end. */
  resumeAll(): void {
    if (!('resume' in this.#tasks)) {
      // A former version, which knows no pauses.
      return;
    }
    for (const name of this.#names) {
      this.track('resume()', this.#tasks.resume(name, { catchUp: true }));
    }
  }

  #next(): void {
    const election = this.#elections[
      this.#made % this.#elections.length
    ] as LeaderElection;
    if (Math.random() < 0.03) {
      const name = this.#names[Math.floor(Math.random() * this.#names.length)];
      this.track('pause() and resume()', this.#pauseForAMoment(name as string));
      return;
    }
    switch (Math.floor(Math.random() * 6)) {
      case 0:
        this.track('participants()', election.participants());
        break;
      case 1:
        this.track(
          'waitForLeadership({ timeoutMs })',
          election.waitForLeadership({ timeoutMs: Math.random() * 400 }),
        );
        break;
      case 2: {
        const signal = AbortSignal.timeout(Math.ceil(Math.random() * 400));
        this.track(
          'waitForLeadership({ signal })',
          election.waitForLeadership({ signal }),
        );
        break;
      }
      case 3:
        this.track('leader$', askForLeader(election));
        break;
      case 4:
        this.track('history()', this.#tasks.history('once'));
        break;
      default:
        this.track('resign() of a follower', this.#resignFollower(election));
    }
  }

  /** Nothing may begin here while a pause of this instance is in force. */
  async #pauseForAMoment(task: string): Promise<void> {
    const mine = await this.#tasks.pause(task);
    const pausedMs = now();
    const begun: string[] = [];
    const watching = this.#tasks.events$.subscribe((event) => {
      if (
        event.type === 'started' &&
        event.task === task &&
        event.attempt === 1 &&
        now() - pausedMs > BEGUN_BY_MS
      ) {
        begun.push(event.runId);
      }
    });
    try {
      await delay(TASK_PAUSE_MS);
      const still = await this.#tasks.pauseOf(task);
      const isMine =
        still?.by === mine.by && still.at.getTime() === mine.at.getTime();
      if (isMine && begun.length > 0) {
        tell('problem', { text: `${task} has begun while it was paused` });
      }
    } finally {
      watching.unsubscribe();
      await this.#tasks.resume(task, { catchUp: true });
    }
  }

  /** Means nothing to a follower, and has to settle all the same. */
  async #resignFollower(election: LeaderElection): Promise<void> {
    if (election.leadership.role === 'follower') {
      await election.resign();
    }
  }
}
