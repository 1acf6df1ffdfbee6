import { Subject, type Observable } from 'rxjs';

interface Part {
  readonly value: unknown;
  /** Undefined: it is no more. */
  readonly json: string | undefined;
  readonly version: number;
}

/** Removed parts whose removal can still be told. */
const MOST_REMOVED = 500;

/**
 * What is shown, in parts that change independently: an election, a task. Every
 * change has a number. A reader names the last number it saw and gets only the
 * changes since then.
 */
export class PartStore {
  readonly #parts = new Map<string, Part>();
  readonly #changes = new Subject<void>();
  #version = 0;
  /** Who has seen less than this has to begin anew. */
  #forgottenVersion = 0;

  readonly changes$: Observable<void> = this.#changes.asObservable();

  /**
   * Replaces everything; parts that say the same do not count as changed. Those
   * that are the same object are not looked into.
   */
  update(present: ReadonlyMap<string, unknown>): void {
    const version = this.#version + 1;
    let isChanged = false;
    const set = (key: string, value: unknown): void => {
      const former = this.#parts.get(key);
      if (former && former.value === value) {
        return;
      }
      const json = value === undefined ? undefined : JSON.stringify(value);
      if (former?.json !== json) {
        // Those that have changed last stand last.
        this.#parts.delete(key);
        this.#parts.set(key, { value, json, version });
        isChanged = true;
      }
    };
    for (const [key, value] of present) {
      set(key, value);
    }
    for (const key of this.#parts.keys()) {
      if (!present.has(key)) {
        set(key, undefined);
      }
    }
    if (isChanged) {
      this.#version = version;
      this.#forgetRemoved();
      this.#changes.next();
    }
  }

  /**
   * What has changed after `version`, as JSON: `isWhole` where everything that
   * was known before is to be forgotten. No message if nothing has.
   */
  changesSince(version: number): {
    readonly version: number;
    readonly message: string | undefined;
  } {
    const isWhole = version < this.#forgottenVersion || version === 0;
    const changed = [...this.#parts].filter(
      ([, part]) =>
        (isWhole || part.version > version) &&
        !(isWhole && part.json === undefined),
    );
    const members = changed.map(
      ([key, { json }]) => `${JSON.stringify(key)}:${json ?? 'null'}`,
    );
    return {
      version: this.#version,
      message:
        members.length === 0
          ? undefined
          : `{"isWhole":${isWhole},"parts":{${members.join(',')}}}`,
    };
  }

  #forgetRemoved(): void {
    const removed = [...this.#parts].filter(
      ([, { json }]) => json === undefined,
    );
    for (const [key, { version }] of removed.slice(0, -MOST_REMOVED)) {
      this.#parts.delete(key);
      this.#forgottenVersion = version;
    }
  }
}
