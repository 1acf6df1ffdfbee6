import { describe, expect, it } from '@jest/globals';
import * as fc from '../../support/fast-check.js';
import {
  assign,
  emptyAssignment,
  type Assignment,
  type Member,
} from '../../../lib/partitions/assignment.js';

const RUNS = { numRuns: 1_000 };

/** What happens to a group, one thing after the other. */
interface Change {
  readonly joins: boolean;
  readonly weight: number;
  readonly which: number;
}

const weights = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1) },
  fc.constantFrom(0, 0.1, 0.5, 2, 3, 7),
);
const changes = fc.array(
  fc.record<Change>({
    joins: fc.boolean(),
    weight: weights,
    which: fc.nat({ max: 7 }),
  }),
  { minLength: 1, maxLength: 24 },
);
const equalChanges = changes.map((list) =>
  list.map((change) => ({ ...change, weight: 1 })),
);
const partitionCounts = fc.integer({ min: 1, max: 60 });

interface Step {
  readonly before: readonly Member[];
  readonly after: readonly Member[];
  readonly former: Assignment;
  readonly next: Assignment;
}

/** Up to eight members join and leave. */
function play(partitions: number, list: readonly Change[]): Step[] {
  let members: Member[] = [];
  let assignment = emptyAssignment(partitions);
  return list.map(({ joins, weight, which }, index) => {
    const before = members;
    members =
      joins && members.length < 8
        ? [...members, { id: `m${index}`, weight }]
        : members.filter((_, each) => each !== which % members.length);
    const former = assignment;
    assignment = assign(members, former);
    return { before, after: members, former, next: assignment };
  });
}

function countOf({ owners }: Assignment, id: string): number {
  return owners.filter((owner) => owner === id).length;
}

function movesOf({ former, next }: Pick<Step, 'former' | 'next'>): number[] {
  return [...next.owners.keys()].filter(
    (partition) => former.owners[partition] !== next.owners[partition],
  );
}

describe('assign()', () => {
  it('gives every partition to a member with a weight, if there is one', () => {
    fc.assert(
      fc.property(partitionCounts, changes, (partitions, list) => {
        for (const { after, next } of play(partitions, list)) {
          const able = after.filter(({ weight }) => weight > 0);
          const ids: (string | undefined)[] = able.map(({ id }) => id);
          expect(next.owners).toHaveLength(partitions);
          const strangers = next.owners.filter(
            (owner) => !(ids.length === 0 ? [undefined] : ids).includes(owner),
          );
          expect(strangers).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it('gives each member its share by weight, rounded up or down', () => {
    fc.assert(
      fc.property(partitionCounts, changes, (partitions, list) => {
        for (const { after, next } of play(partitions, list)) {
          const total = after.reduce((sum, { weight }) => sum + weight, 0);
          for (const { id, weight } of after) {
            const share = total === 0 ? 0 : (partitions * weight) / total;
            const count = countOf(next, id);
            expect(Math.abs(count - share)).toBeLessThan(1);
          }
        }
      }),
      RUNS,
    );
  });

  it('keeps the balance with the fewest moves in every order of joins and leaves', () => {
    for (const partitions of [1, 2, 5, 12]) {
      everyOrder(partitions, 7, 4, ({ joined, left, members, ...step }) => {
        const counts = members.map(({ id }) => countOf(step.next, id));
        const share = partitions / members.length;
        const moves = movesOf(step).length;
        expect(counts.every((count) => Math.abs(count - share) < 1)).toBe(true);
        // What a member brings or takes along, and nothing else.
        expect(moves).toBe(
          joined
            ? countOf(step.next, joined.id)
            : countOf(step.former, left?.id ?? ''),
        );
      });
    }
  });

  it('moves only what a leaving member had, as long as all weigh the same', () => {
    fc.assert(
      fc.property(partitionCounts, equalChanges, (partitions, list) => {
        for (const step of play(partitions, list)) {
          const left = step.before.filter((each) => !step.after.includes(each));
          const from = movesOf(step).map((each) => step.former.owners[each]);
          const isLeave = left.length === 1 && step.after.length > 0;
          const others = from.filter((owner) => owner !== left[0]?.id);
          expect(isLeave ? others : []).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it('moves only what a joining member takes, as long as all weigh the same', () => {
    fc.assert(
      fc.property(partitionCounts, equalChanges, (partitions, list) => {
        for (const step of play(partitions, list)) {
          const [joined] = step.after.filter(
            (each) => !step.before.includes(each),
          );
          const to = movesOf(step).map((each) => step.next.owners[each]);
          const others = to.filter((owner) => owner !== joined?.id);
          expect(joined ? others : []).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it('spreads what a dead member had over all survivors that have room', () => {
    const members = ['a', 'b', 'c', 'd'].map((id) => ({ id, weight: 1 }));
    const full = members.reduce(
      (former, _, index) => assign(members.slice(0, index + 1), former),
      emptyAssignment(12),
    );
    const next = assign(members.slice(1), full);
    expect(['b', 'c', 'd'].map((id) => countOf(next, id))).toEqual([4, 4, 4]);
  });

  it('changes nothing, and returns the former assignment, if nothing has changed', () => {
    fc.assert(
      fc.property(partitionCounts, changes, (partitions, list) => {
        const { after, next } = play(partitions, list).at(-1) as Step;
        expect(assign(after, next)).toBe(next);
      }),
      RUNS,
    );
  });

  it('moves a partition at most twice while instances are replaced that start before the old ones stop', () => {
    expectMoves(
      (fleet, instance) => {
        fleet.join();
        fleet.leave(instance);
      },
      () => 2,
    );
  });

  it('moves a partition at most twice while instances stop before the new ones start, and at most three times from the third such restart on', () => {
    expectMoves(
      (fleet, instance) => {
        fleet.leave(instance);
        fleet.join();
      },
      (instances, partitions, restart) =>
        restart < 2 || partitions % instances === 0 ? 2 : 3,
    );
  });
});

interface OrderedStep extends Pick<Step, 'former' | 'next'> {
  readonly members: readonly Member[];
  readonly joined?: Member;
  readonly left?: Member;
}

/** All that can happen in so many changes, as long as somebody is left. */
function everyOrder(
  partitions: number,
  changesLeft: number,
  most: number,
  check: (step: OrderedStep) => void,
  members: readonly Member[] = [],
  former: Assignment = emptyAssignment(partitions),
): void {
  if (changesLeft === 0) {
    return;
  }
  const become = (
    next: readonly Member[],
    change: Pick<OrderedStep, 'joined' | 'left'>,
  ): void => {
    const assignment = assign(next, former);
    check({ members: next, former, next: assignment, ...change });
    everyOrder(partitions, changesLeft - 1, most, check, next, assignment);
  };
  if (members.length < most) {
    const joined = { id: `m${changesLeft}`, weight: 1 };
    become([...members, joined], { joined });
  }
  if (members.length > 1) {
    for (const left of members) {
      become(
        members.filter((each) => each !== left),
        { left },
      );
    }
  }
}

/** Three rolling restarts, one after the other. */
function expectMoves(
  replace: (fleet: Fleet, instance: Member) => void,
  bound: (instances: number, partitions: number, restart: number) => number,
): void {
  for (const [instances, partitions] of fleets()) {
    const fleet = new Fleet(instances, partitions);
    for (let restart = 0; restart < 3; restart++) {
      const moves = fleet.restart((instance) => replace(fleet, instance));
      expect(Math.max(...moves)).toBeLessThanOrEqual(
        bound(instances, partitions, restart),
      );
    }
  }
}

/** Up to eight instances with up to 60 partitions. */
function fleets(): (readonly [instances: number, partitions: number])[] {
  return [2, 3, 4, 5, 6, 7, 8].flatMap((instances) =>
    Array.from({ length: 60 }, (_, index) => [instances, index + 1] as const),
  );
}

/** Instances of the same weight, which are restarted one after the other. */
class Fleet {
  members: Member[] = [];
  assignment: Assignment;
  #moves: number[] = [];
  #started = 0;

  constructor(instances: number, partitions: number) {
    this.assignment = emptyAssignment(partitions);
    for (let index = 0; index < instances; index++) {
      this.join();
    }
  }

  join(): void {
    this.#started += 1;
    this.#become([...this.members, { id: `m${this.#started}`, weight: 1 }]);
  }

  leave(member: Member): void {
    this.#become(this.members.filter((each) => each !== member));
  }

  /** How often each partition moves. */
  restart(one: (member: Member) => void): number[] {
    this.#moves = this.assignment.owners.map(() => 0);
    this.members.forEach((member) => one(member));
    return this.#moves;
  }

  #become(members: Member[]): void {
    const former = this.assignment;
    this.members = members;
    this.assignment = assign(members, former);
    this.#moves = this.#moves.map((count, partition) =>
      former.owners[partition] === this.assignment.owners[partition]
        ? count
        : count + 1,
    );
  }
}
