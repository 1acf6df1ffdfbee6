/** Numbers that look random and are the same for the same seed. */
export class Random {
  #state: number;

  constructor(...seed: readonly (string | number)[]) {
    this.#state = hash(seed.join('/'));
  }

  /** From 0 up to, and without, 1: the generator "mulberry32". */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** As many small values as large ones: each order of magnitude alike. */
  magnitude(from: number, to: number): number {
    return from * (to / from) ** this.next();
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) {
      throw new Error('There is nothing to pick from.');
    }
    return items[Math.floor(this.next() * items.length)] as T;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.map(() => {
      const [item] = left.splice(Math.floor(this.next() * left.length), 1);
      return item as T;
    });
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value | 0;
}
