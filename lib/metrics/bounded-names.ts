/** How many values a label may have. */
const MOST_NAMES = 500;

/** What all further ones are called. */
const OTHER = '(other)';

/**
 * Keeps the number of a label's values bounded, whatever names an application
 * makes up while it runs: the first {@link MOST_NAMES} are told apart.
 */
export class BoundedNames {
  readonly #names = new Set<string>();

  of(name: string): string {
    if (!this.#names.has(name)) {
      if (this.#names.size >= MOST_NAMES) {
        return OTHER;
      }
      this.#names.add(name);
    }
    return name;
  }

  /** Makes room for another one. False for one of the further ones. */
  forget(name: string): boolean {
    return this.#names.delete(name);
  }
}
