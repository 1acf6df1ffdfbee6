import { LibraryLogger } from '../library-logger.js';
import type { LeaderElections, Work } from '../election/leader-elections.js';
import type {
  Participant,
  ParticipantTasks,
} from '../election/leadership.interface.js';
import { ForeignWatch } from './foreign-watch.js';
import { listTasks } from './participant-tasks.js';

/** Of an instance with more elections, the others are not watched by themselves. */
const MOST_WATCHED = 20;

/** Tasks that are made together are one write, and so are those of some seconds. */
const TELL_AFTER_MS = 100;
const TELL_AGAIN_MS = 5_000;

/** The leader tasks of this application, and where others lead without them. */
export class OwnWork implements Work {
  readonly #elections: LeaderElections;
  readonly #namesIn: (election: string) => readonly string[];
  readonly #lists = new Map<string, ParticipantTasks>();
  readonly #watches = new Map<string, ForeignWatch>();
  /** Elections whose entries have to be written again. */
  readonly #outdated = new Set<string>();
  #toldAtMs = -Infinity;

  /** @param namesIn gives the names of the leader tasks of an election */
  constructor(
    elections: LeaderElections,
    namesIn: (election: string) => readonly string[],
  ) {
    this.#elections = elections;
    this.#namesIn = namesIn;
    this.#watch();
  }

  tasksOf(election: string): ParticipantTasks {
    const list =
      this.#lists.get(election) ?? listTasks(this.#namesIn(election));
    this.#lists.set(election, list);
    return list;
  }

  leaderSeen(election: string, leader: Participant): void {
    this.#watches.get(election)?.leaderSeen(leader);
  }

  get warnings(): ReadonlyMap<string, readonly string[]> {
    return new Map(
      [...this.#watches]
        .map(([name, { warnings }]) => [name, warnings] as const)
        .filter(([, warnings]) => warnings.length > 0),
    );
  }

  /** An election has other tasks than before. */
  changed(election: string): void {
    this.#lists.delete(election);
    if (this.#outdated.size === 0) {
      const waitMs = this.#toldAtMs + TELL_AGAIN_MS - performance.now();
      const tell = (): void => this.#tell();
      setTimeout(tell, Math.max(TELL_AFTER_MS, waitMs)).unref();
    }
    this.#outdated.add(election);
  }

  #tell(): void {
    this.#toldAtMs = performance.now();
    const outdated = [...this.#outdated];
    this.#outdated.clear();
    for (const election of outdated) {
      this.#elections.restate(election);
      this.#watches.get(election)?.tasksChanged();
    }
  }

  #watch(): void {
    const { session, identity } = this.#elections;
    if (!session) {
      return;
    }
    const { client, paths } = session;
    const logger = new LibraryLogger();
    this.#elections.follow((election) => {
      const { name } = election;
      const forgetList = (): void => void this.#lists.delete(name);
      if (this.#watches.size >= MOST_WATCHED) {
        return forgetList;
      }
      const watch = new ForeignWatch({
        election,
        path: paths.election(name),
        client,
        logger,
        self: () => ({ ...identity, tasks: this.tasksOf(name) }),
      });
      this.#watches.set(name, watch);
      return () => {
        forgetList();
        // There may be another election of that name by now.
        if (this.#watches.get(name) === watch) {
          this.#watches.delete(name);
        }
      };
    });
  }
}
