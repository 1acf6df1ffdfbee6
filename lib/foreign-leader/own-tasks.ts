import type { ParticipantTasks } from '../election/leadership.interface.js';
import { listTasks } from './participant-tasks.js';

/** Tasks that are made together are one write, and so are those of some seconds. */
const TELL_AFTER_MS = 100;
const TELL_AGAIN_MS = 5_000;

/** The leader tasks of this application, as its entries list them. */
export class OwnTasks {
  readonly #onOutdated: (election: string) => void;
  readonly #lists = new Map<string, ParticipantTasks>();
  readonly #outdated = new Set<string>();
  #namesIn: ((election: string) => readonly string[]) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #toldAtMs = -Infinity;
  #isStarted = false;

  /** @param onOutdated called when an entry has to be written again */
  constructor(onOutdated: (election: string) => void) {
    this.#onOutdated = onOutdated;
  }

  /** @param namesIn gives the names of the leader tasks of an election */
  use(namesIn: (election: string) => readonly string[]): void {
    this.#namesIn = namesIn;
  }

  /** Undefined where nobody knows. */
  of(election: string): ParticipantTasks | undefined {
    const known = this.#lists.get(election);
    if (known || !this.#namesIn) {
      return known;
    }
    const list = listTasks(this.#namesIn(election));
    this.#lists.set(election, list);
    return list;
  }

  /** Entries are written from now on. */
  start(): void {
    this.#isStarted = true;
  }

  stop(): void {
    this.#isStarted = false;
    clearTimeout(this.#timer);
  }

  /** An election has other tasks than before. */
  changed(election: string): void {
    this.#lists.delete(election);
    if (this.#isStarted) {
      this.#outdated.add(election);
      const waitMs = this.#toldAtMs + TELL_AGAIN_MS - performance.now();
      this.#timer ??= setTimeout(
        () => this.#tell(),
        Math.max(TELL_AFTER_MS, waitMs),
      ).unref();
    }
  }

  #tell(): void {
    this.#timer = undefined;
    this.#toldAtMs = performance.now();
    const outdated = [...this.#outdated];
    this.#outdated.clear();
    for (const election of outdated) {
      this.#onOutdated(election);
    }
  }
}
