import {
  BehaviorSubject,
  Observable,
  distinctUntilChanged,
  filter,
  map,
  type Subscription,
} from 'rxjs';
import type {
  NodeWatcher,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import { ensurePath } from '../zookeeper/ensure-path.js';
import {
  isOwnedBySession,
  parseParticipant,
  sortedNodes,
} from './election-node.js';
import type { Participant } from './leadership.interface.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import { longestRetryMs, SerialLoop } from './serial-loop.js';

/**
 * `undefined` means that nobody leads, `'gone'` that the leader has gone and who
 * comes next has not been read yet, `null` that nothing is known.
 */
type Seen = Participant | undefined | 'gone' | null;

/**
 * Watches who leads an election, for as long as somebody wants to know. Works
 * without taking part: it watches the first node, or the empty election.
 */
export class LeaderObserver {
  readonly #client: ZookeeperClient;
  readonly #path: string;
  readonly #onSeen: (first: Participant) => void;
  readonly #seen = new BehaviorSubject<Seen>(null);
  readonly #loop: SerialLoop;
  #subscribers = 0;
  #connection: Subscription | undefined;
  /** The watcher of the present look; what belongs to an earlier one is over. */
  #watcher: NodeWatcher | undefined;
  /** The path that it watches. */
  #watched: string | undefined;

  /** The leader, and each that follows it. */
  readonly leader$: Observable<Participant | undefined>;

  /**
   * {@link leader$} as closely as can be seen: `undefined` as soon as a leader
   * has gone, and a leader once more when it has told since when it leads.
   */
  readonly sightings$: Observable<Participant | undefined>;

  /** @param onSeen is given the first in line whenever it has been read */
  constructor(
    client: ZookeeperClient,
    path: string,
    onSeen: (first: Participant) => void,
  ) {
    this.#client = client;
    this.#path = path;
    this.#onSeen = onSeen;
    this.#loop = new SerialLoop(
      () => this.#observe(),
      (error) => longestRetryMs(client, error),
    );
    const seen$ = this.#whileSubscribed();
    this.leader$ = seen$.pipe(
      filter((seen) => seen !== null && seen !== 'gone'),
      distinctUntilChanged((a, b) => a?.node === b?.node),
    );
    this.sightings$ = seen$.pipe(
      filter((seen) => seen !== null),
      map((seen) => (seen === 'gone' ? undefined : seen)),
      distinctUntilChanged(
        (a, b) =>
          a?.node === b?.node &&
          a?.leaderSince?.getTime() === b?.leaderSince?.getTime(),
      ),
    );
  }

  close(): void {
    this.#loop.stop();
    this.#connection?.unsubscribe();
    this.#endLook();
    this.#seen.complete();
  }

  #whileSubscribed(): Observable<Seen> {
    return new Observable((subscriber) => {
      this.#addSubscriber();
      const subscription = this.#seen.subscribe(subscriber);
      return () => {
        subscription.unsubscribe();
        this.#removeSubscriber();
      };
    });
  }

  #addSubscriber(): void {
    this.#subscribers += 1;
    if (this.#subscribers === 1) {
      this.#connection = this.#client.connection$.subscribe(({ state }) => {
        if (state === 'connected') {
          this.#loop.wake();
        }
      });
    }
  }

  #removeSubscriber(): void {
    this.#subscribers -= 1;
    if (this.#subscribers === 0) {
      this.#connection?.unsubscribe();
      this.#endLook();
      this.#seen.next(null);
    }
  }

  async #observe(): Promise<void> {
    if (
      this.#subscribers === 0 ||
      this.#client.connection.state !== 'connected'
    ) {
      return;
    }
    this.#endLook();
    const watcher: NodeWatcher = (event) => {
      if (watcher === this.#watcher) {
        if (event === 'deleted') {
          this.#seen.next('gone');
        }
        this.#loop.wake();
      }
    };
    this.#watcher = watcher;
    const listed = await unlessMissing(this.#client.getChildren(this.#path));
    if (watcher !== this.#watcher) {
      return;
    }
    const nodes = sortedNodes(listed?.children ?? []);
    for (const { name } of nodes) {
      const path = `${this.#path}/${name}`;
      const content = await this.#watch(path, watcher, () =>
        unlessMissing(this.#client.get(path, watcher)),
      );
      if (watcher !== this.#watcher) {
        return;
      }
      if (!content) {
        this.#loop.wake();
        return;
      }
      if (isOwnedBySession(content.stat)) {
        const first = parseParticipant(name, content.data, content.stat);
        this.#onSeen(first);
        this.#seen.next(first);
        return;
      }
    }
    await this.#watchEmptyElection(watcher, nodes.length);
  }

  /** Nobody is there: waits for the first to come. */
  async #watchEmptyElection(
    watcher: NodeWatcher,
    strays: number,
  ): Promise<void> {
    // Only what exists can be watched for children.
    await ensurePath(this.#client, this.#path, 'container');
    if (watcher !== this.#watcher) {
      return;
    }
    const { children } = await this.#watch(this.#path, watcher, () =>
      this.#client.getChildren(this.#path, watcher),
    );
    if (watcher !== this.#watcher) {
      return;
    }
    if (sortedNodes(children).length > strays) {
      this.#loop.wake();
    } else {
      this.#seen.next(undefined);
    }
  }

  /** Watches one path at a time. */
  #watch<T>(
    path: string,
    watcher: NodeWatcher,
    read: () => Promise<T>,
  ): Promise<T> {
    this.#endWatch(watcher);
    this.#watched = path;
    return read();
  }

  #endWatch(watcher: NodeWatcher): void {
    if (this.#watched !== undefined) {
      this.#client.unwatch(this.#watched, watcher);
      this.#watched = undefined;
    }
  }

  #endLook(): void {
    if (this.#watcher) {
      this.#endWatch(this.#watcher);
      this.#watcher = undefined;
    }
  }
}
