import {
  BehaviorSubject,
  Observable,
  distinctUntilChanged,
  filter,
  map,
  type Subscription,
} from 'rxjs';
import type {
  NodeEvent,
  NodeWatcher,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import { ensurePath } from '../zookeeper/node-paths.js';
import { parseParticipant, sortedNodes } from './election-node.js';
import type { Participant } from './leadership.interface.js';
import { unlessMissing } from './participants.js';
import { retryDecision, SerialLoop } from './serial-loop.js';

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
  readonly #seen = new BehaviorSubject<Seen>(null);
  readonly #loop: SerialLoop;
  #subscribers = 0;
  #connection: Subscription | undefined;
  /** Forgets a watch that belongs to an earlier look. */
  #look = 0;

  /** The leader, and each that follows it. */
  readonly leader$: Observable<Participant | undefined>;

  /**
   * {@link leader$} as closely as can be seen: `undefined` as soon as a leader
   * has gone, and a leader once more when it has told since when it leads.
   */
  readonly sightings$: Observable<Participant | undefined>;

  constructor(client: ZookeeperClient, path: string) {
    this.#client = client;
    this.#path = path;
    this.#loop = new SerialLoop(
      () => this.#observe(),
      (error) => retryDecision(client, error),
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
      this.#look += 1;
      if (!this.#seen.closed) {
        this.#seen.next(null);
      }
    }
  }

  async #observe(): Promise<void> {
    if (
      this.#subscribers === 0 ||
      this.#client.connection.state !== 'connected'
    ) {
      return;
    }
    this.#look += 1;
    const look = this.#look;
    const wake = (event: NodeEvent): void => {
      if (look === this.#look) {
        if (event === 'deleted') {
          this.#seen.next('gone');
        }
        this.#loop.wake();
      }
    };
    const listed = await unlessMissing(this.#client.getChildren(this.#path));
    const [first] = sortedNodes(listed?.children ?? []);
    if (!first) {
      await this.#watchEmptyElection(wake);
      return;
    }
    const content = await unlessMissing(
      this.#client.get(`${this.#path}/${first.name}`, wake),
    );
    if (!content) {
      this.#loop.wake();
    } else if (look === this.#look) {
      this.#seen.next(parseParticipant(first.name, content.data, content.stat));
    }
  }

  /** Nobody is there: waits for the first to come. */
  async #watchEmptyElection(wake: NodeWatcher): Promise<void> {
    // Only what exists can be watched for children.
    await ensurePath(this.#client, this.#path, 'container');
    const { children } = await this.#client.getChildren(this.#path, wake);
    if (sortedNodes(children).length > 0) {
      this.#loop.wake();
      return;
    }
    this.#seen.next(undefined);
  }
}
