/** What can be in a {@link PlacedList}, in one at a time. */
export interface Placed {
  /** The list's own note. */
  place: number;
}

/**
 * A set for members that come and go at every guarded call: a `Set` that is empty
 * most of the time is made anew by the engine at nearly every removal.
 */
export class PlacedList<Member extends Placed> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  has(member: Member): boolean {
    return this.#members[member.place] === member;
  }

  add(member: Member): void {
    if (!this.has(member)) {
      member.place = this.#members.push(member) - 1;
    }
  }

  /** The last member moves to the place that becomes free. */
  delete(member: Member): void {
    if (this.has(member)) {
      const last = this.#members.pop() as Member;
      if (last !== member) {
        last.place = member.place;
        this.#members[last.place] = last;
      }
    }
  }

  /** All members of now, whatever becomes of the list meanwhile. */
  [Symbol.iterator](): IterableIterator<Member> {
    return [...this.#members].values();
  }
}
