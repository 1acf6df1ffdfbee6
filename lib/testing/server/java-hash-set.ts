interface Entry {
  readonly text: string;
  readonly hash: number;
}

const LOAD_FACTOR = 0.75;
/** Java makes a longer chain a tree, or a small table larger. */
const LONGEST_CHAIN = 8;
const LEAST_CAPACITY_WITH_TREES = 64;

/**
 * A set of strings in the order of Java's `HashSet`, which is the order in which
 * a real server lists children and deletes the ephemeral nodes of a session: not
 * sorted, and not that of insertion. Code that relies on either is found out.
 */
export class JavaHashSet {
  #table: Entry[][];
  #size = 0;

  /** @param capacity a power of two, as given to Java's constructor */
  constructor(capacity = 16) {
    this.#table = emptyTable(capacity);
  }

  /** A set with these strings, with the capacity that Java's `clone()` has. */
  static cloneOf(other: JavaHashSet): JavaHashSet {
    const clone = new JavaHashSet(
      powerOfTwo(Math.floor(Math.fround(other.size / LOAD_FACTOR) + 1)),
    );
    for (const text of other) {
      clone.add(text);
    }
    return clone;
  }

  get size(): number {
    return this.#size;
  }

  has(text: string, hash = javaHash(text)): boolean {
    return this.#chain(hash).some((entry) => entry.text === text);
  }

  /**
   * @param hash Java's hash of what the string stands for; default its own
   */
  add(text: string, hash = javaHash(text)): void {
    const chain = this.#chain(hash);
    if (chain.some((entry) => entry.text === text)) {
      return;
    }
    chain.push({ text, hash });
    const isCrowded =
      chain.length > LONGEST_CHAIN &&
      this.#table.length < LEAST_CAPACITY_WITH_TREES;
    if (isCrowded) {
      this.#grow();
    }
    this.#size += 1;
    if (this.#size > this.#table.length * LOAD_FACTOR) {
      this.#grow();
    }
  }

  delete(text: string): void {
    const chain = this.#chain(javaHash(text));
    const index = chain.findIndex((entry) => entry.text === text);
    if (index >= 0) {
      chain.splice(index, 1);
      this.#size -= 1;
    }
  }

  *[Symbol.iterator](): Iterator<string> {
    for (const chain of this.#table) {
      for (const { text } of chain) {
        yield text;
      }
    }
  }

  #chain(hash: number): Entry[] {
    return this.#table[slot(hash, this.#table.length)] as Entry[];
  }

  /** Doubles the table; each chain keeps its order. */
  #grow(): void {
    const entries = this.#table.flat();
    this.#table = emptyTable(2 * this.#table.length);
    for (const entry of entries) {
      this.#chain(entry.hash).push(entry);
    }
  }
}

/** Java's `String.hashCode()`. */
export function javaHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) {
    hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0;
  }
  return hash;
}

function slot(hash: number, capacity: number): number {
  return (hash ^ (hash >>> 16)) & (capacity - 1);
}

function powerOfTwo(least: number): number {
  let capacity = 1;
  while (capacity < least) {
    capacity *= 2;
  }
  return capacity;
}

function emptyTable(capacity: number): Entry[][] {
  return Array.from({ length: capacity }, () => []);
}
