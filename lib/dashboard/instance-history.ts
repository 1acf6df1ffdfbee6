import type { InstanceView } from '../cluster/cluster-view.interface.js';

/** An instance that is not there any more. */
export interface LeftInstance extends InstanceView {
  /** When it was noticed, by the clock of the instance that tells. */
  readonly leftAt: Date;
  /** When it was there for certain, where nobody looked when it left. */
  readonly seenUntil?: Date;
  /** Elections that it led at the end. */
  readonly led: readonly string[];
}

/** How long instances that left are shown, and how many of them. */
const REMEMBERED_MS = 15 * 60_000;
const MOST_LEFT = 50;
/** An instance seen this recently was watched until it left. */
const WATCHED_MS = 3_000;

/** Remembers for a while which instances have left. */
export class InstanceHistory {
  #present = new Map<string, InstanceView>();
  readonly #left = new Map<string, LeftInstance>();
  /** When {@link note} was called last. */
  #notedAtMs: number | undefined;

  /** Those that left within the last quarter of an hour, the last one first. */
  left(nowMs: number): readonly LeftInstance[] {
    for (const [id, { leftAt }] of this.#left) {
      if (nowMs - leftAt.getTime() > REMEMBERED_MS) {
        this.#left.delete(id);
      }
    }
    return [...this.#left.values()].toReversed();
  }

  /**
   * Notes who is there now.
   *
   * @param ledBy the elections that an instance led when it was seen last
   */
  note(
    instances: readonly InstanceView[],
    ledBy: (instanceId: string) => readonly string[],
    nowMs: number,
  ): void {
    const present = new Map(instances.map((each) => [each.instanceId, each]));
    const wasWatched =
      this.#notedAtMs !== undefined && nowMs - this.#notedAtMs < WATCHED_MS;
    for (const [id, instance] of this.#present) {
      if (!present.has(id)) {
        this.#left.delete(id);
        this.#left.set(id, {
          ...instance,
          leftAt: new Date(nowMs),
          ...(!wasWatched &&
            this.#notedAtMs !== undefined && {
              seenUntil: new Date(this.#notedAtMs),
            }),
          led: ledBy(id),
        });
      }
    }
    for (const id of present.keys()) {
      this.#left.delete(id);
    }
    for (const id of [...this.#left.keys()].slice(0, -MOST_LEFT)) {
      this.#left.delete(id);
    }
    this.#present = present;
    this.#notedAtMs = nowMs;
  }
}
