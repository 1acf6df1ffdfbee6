import {
  distinctUntilChanged,
  endWith,
  filter,
  ignoreElements,
  map,
  Observable,
  ReplaySubject,
  share,
  takeUntil,
  type Subscriber,
} from 'rxjs';
import { NodeReading } from '../session/node-reading.js';
import { longestRetryMs, SerialLoop } from '../session/serial-loop.js';
import { ensurePath } from '../zookeeper/ensure-path.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import type {
  NodeEvent,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import {
  isOwnedBySession,
  parseParticipant,
  sortedNodes,
} from './election-node.js';
import type { Participant } from './leadership.interface.js';

/**
 * `undefined` means that nobody leads, `'gone'` that the leader has gone and who
 * comes next has not been read yet.
 */
type Seen = Participant | undefined | 'gone';

export interface LeaderSource {
  readonly client: ZookeeperClient;
  /** Path of the election. */
  readonly path: string;
  /** Called with the first in line whenever it has been read. */
  readonly onLeaderSeen?: (first: Participant) => void;
}

export interface ObservedLeader {
  /** The leader, and each that follows it. */
  readonly leader$: Observable<Participant | undefined>;
  /**
   * {@link leader$} as closely as can be seen: `undefined` as soon as a leader
   * has gone, and a leader once more when it has told since when it leads.
   */
  readonly sightings$: Observable<Participant | undefined>;
}

/**
 * Who leads an election, observed for as long as somebody wants to know, and by
 * one observer for all who do.
 *
 * @param until completes when there is nothing more to be seen
 */
export function observeLeader(
  source: LeaderSource,
  until: Observable<unknown>,
): ObservedLeader {
  const seen$ = new Observable<Seen>((subscriber) =>
    new LeaderObserver(source, subscriber).start(),
  ).pipe(
    takeUntil(until.pipe(ignoreElements(), endWith(undefined))),
    share({ connector: () => new ReplaySubject(1) }),
  );
  return {
    leader$: seen$.pipe(
      filter((seen) => seen !== 'gone'),
      distinctUntilChanged((a, b) => a?.node === b?.node),
    ),
    sightings$: seen$.pipe(
      map((seen) => (seen === 'gone' ? undefined : seen)),
      distinctUntilChanged(
        (a, b) =>
          a?.node === b?.node &&
          a?.leaderSince?.getTime() === b?.leaderSince?.getTime(),
      ),
    ),
  };
}

/**
 * Watches who leads an election. Works without taking part: it watches the first
 * node, or the empty election.
 */
class LeaderObserver {
  readonly #source: LeaderSource;
  readonly #subscriber: Subscriber<Seen>;
  readonly #loop: SerialLoop;
  /** What the present look watches; what belongs to an earlier one is over. */
  #watched: { forget(): void } | undefined;

  constructor(source: LeaderSource, subscriber: Subscriber<Seen>) {
    this.#source = source;
    this.#subscriber = subscriber;
    this.#loop = new SerialLoop(
      () => this.#observe(),
      (error) => longestRetryMs(source.client, error),
    );
  }

  /** Returns a function that ends it. */
  start(): () => void {
    const connection = this.#source.client.connection$.subscribe(
      ({ state }) => {
        if (state === 'connected') {
          this.#loop.wake();
        }
      },
    );
    return () => {
      connection.unsubscribe();
      this.#loop.stop();
      this.#endLook();
    };
  }

  async #observe(): Promise<void> {
    const { client, path, onLeaderSeen } = this.#source;
    if (client.connection.state !== 'connected') {
      return;
    }
    this.#endLook();
    const listed = await unlessMissing(client.getChildren(path));
    if (this.#subscriber.closed) {
      return;
    }
    const nodes = sortedNodes(listed?.children ?? []);
    for (const { name } of nodes) {
      const node = NodeReading.content(
        client,
        `${path}/${name}`,
        this.#onEvent,
      );
      const content = await this.#watch(node);
      if (node !== this.#watched) {
        return;
      }
      if (!content) {
        this.#loop.wake();
        return;
      }
      if (isOwnedBySession(content.stat)) {
        const first = parseParticipant(name, content.data, content.stat);
        onLeaderSeen?.(first);
        this.#subscriber.next(first);
        return;
      }
    }
    await this.#watchEmptyElection(nodes.length);
  }

  /** Nobody is there: waits for the first to come. */
  async #watchEmptyElection(strays: number): Promise<void> {
    const { client, path } = this.#source;
    // Only what exists can be watched for children.
    await ensurePath(client, path, 'container');
    if (this.#subscriber.closed) {
      return;
    }
    const election = NodeReading.children(client, path, this.#onEvent);
    const listed = await this.#watch(election);
    if (election !== this.#watched) {
      return;
    }
    if (!listed || sortedNodes(listed.children).length > strays) {
      this.#loop.wake();
    } else {
      this.#subscriber.next(undefined);
    }
  }

  /** Watches one node at a time. */
  #watch<T>(reading: NodeReading<T>): Promise<T | undefined> {
    this.#endLook();
    this.#watched = reading;
    return reading.read();
  }

  #endLook(): void {
    this.#watched?.forget();
    this.#watched = undefined;
  }

  readonly #onEvent = (event: NodeEvent): void => {
    if (event === 'deleted') {
      this.#subscriber.next('gone');
    }
    this.#loop.wake();
  };
}
