import { Subscription, type Observable } from 'rxjs';
import type { ManagedElection } from '../election/managed-election.js';
import type {
  Leadership,
  LeadershipReason,
} from '../election/leadership.interface.js';
import type { Connection } from '../zookeeper/zookeeper-client.interface.js';
import type { LeaderMetrics } from './leader-metrics.js';
import { LeaderlessClock } from './leaderless-clock.js';

/** Counts and measures one election. */
export class ElectionRecorder {
  readonly #metrics: LeaderMetrics;
  readonly #election: ManagedElection;
  readonly #subscription: Subscription;
  readonly #leaderless: LeaderlessClock;
  /** Why terms have ended. */
  readonly #reasons = new Set<LeadershipReason>();

  constructor(
    metrics: LeaderMetrics,
    election: ManagedElection,
    connection$: Observable<Connection> | undefined,
    /** Of the election, as a label. */
    readonly label: string,
  ) {
    this.#metrics = metrics;
    this.#election = election;
    metrics.terms.inc({ election: label }, 0);
    let former: Leadership['role'] = 'idle';
    this.#subscription = election.leadership$.subscribe(({ role, reason }) => {
      if (role === 'leader' && former !== 'leader') {
        metrics.terms.inc({ election: label });
      } else if (role !== 'leader' && former === 'leader') {
        this.#reasons.add(reason);
        metrics.termsEnded.inc({ election: label, reason });
      }
      former = role;
    });
    this.#leaderless = new LeaderlessClock(
      election,
      connection$,
      (durationMs) =>
        metrics.handovers.observe({ election: label }, durationMs / 1000),
    );
  }

  get name(): string {
    return this.#election.name;
  }

  get isLeader(): boolean {
    return this.#election.isLeader();
  }

  /** Seconds without a leader since this was asked before. */
  takeLeaderlessSeconds(): number {
    return this.#leaderless.take() / 1000;
  }

  stop(): void {
    this.#leaderless.stop();
    this.#subscription.unsubscribe();
  }

  /** The election is no more: its series would stay for as long as the process. */
  removeSeries(): void {
    const { terms, termsEnded, leaderless, handovers } = this.#metrics;
    const election = this.label;
    for (const reason of this.#reasons) {
      termsEnded.remove({ election, reason });
    }
    for (const metric of [terms, leaderless, handovers]) {
      metric.remove({ election });
    }
  }
}
