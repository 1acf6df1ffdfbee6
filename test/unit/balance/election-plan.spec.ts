import { describe, expect, it } from '@jest/globals';
import * as fc from '../../support/fast-check.js';
import type { Member } from '../../../lib/partitions/assignment.js';
import {
  assignElections,
  balancedAmong,
  type Standing,
} from '../../../lib/balance/election-plan.js';
import {
  parseElectionAssignment,
  serializeAssignment,
  type ElectionAssignment,
} from '../../../lib/partitions/group-nodes.js';

const ALL = ['a', 'b', 'c', 'd'];
const NAMES = Array.from({ length: 12 }, (_, index) => `e${index + 10}`);

function members(...ids: string[]): Member[] {
  return ids.map((id) => ({ id, weight: 1 }));
}

/** Elections with the same queue. */
function queues(...able: string[]): Standing[] {
  return NAMES.map((election) => ({ election, able }));
}

function countOf(
  assignment: ElectionAssignment | undefined,
  id: string,
): number {
  return (assignment?.owners ?? []).filter((owner) => owner === id).length;
}

function movesBetween(
  former: ElectionAssignment | undefined,
  next: ElectionAssignment | undefined,
): number {
  return NAMES.filter(
    (_, index) => former?.owners[index] !== next?.owners[index],
  ).length;
}

describe('assignElections()', () => {
  it('leaves the elections of a single member with it', () => {
    const one = assignElections(members('a'), queues('a'), undefined);
    expect(one?.elections).toEqual(NAMES);
    expect(countOf(one, 'a')).toBe(12);
  });

  it('moves to a joining member its share, and nothing else', () => {
    const one = assignElections(members('a', 'b'), queues('a', 'b'), undefined);
    const two = assignElections(
      members('a', 'b', 'c'),
      queues('a', 'b', 'c'),
      one,
    );
    expect(['a', 'b', 'c'].map((id) => countOf(two, id))).toEqual([4, 4, 4]);
    expect(movesBetween(one, two)).toBe(4);
  });

  it('changes nothing while nothing changes', () => {
    const one = assignElections(members(...ALL), queues(...ALL), undefined);
    expect(assignElections(members(...ALL), queues(...ALL), one)).toBe(one);
    // The order of a queue is no reason.
    const turned = queues(...ALL.toReversed());
    expect(assignElections(members(...ALL), turned, one)).toBe(one);
  });

  it('gives the elections of a member that is gone to the next in line, up to its share', () => {
    const one = assignElections(members(...ALL), queues(...ALL), undefined);
    const heirs = ['b', 'c', 'd'];
    let turn = 0;
    const standings = NAMES.map((election, index) => {
      const isOrphan = one?.owners[index] === 'a';
      const heir = heirs[isOrphan ? turn++ : 0] as string;
      return { election, able: [heir, ...heirs.filter((id) => id !== heir)] };
    });
    const next = assignElections(members(...heirs), standings, one);
    const inherited = standings.filter(
      ({ able }, index) =>
        one?.owners[index] === 'a' && next?.owners[index] === able[0],
    );
    expect(inherited).toHaveLength(3);
    expect(movesBetween(one, next)).toBe(3);
  });

  it('assigns an election to nobody that cannot lead it', () => {
    const standings = NAMES.map((election, index) => ({
      election,
      able: index < 4 ? ['a'] : index < 8 ? ['b', 'x'] : ['x'],
    }));
    const { elections = [], owners = [] } =
      assignElections(members('a', 'b'), standings, undefined) ?? {};
    expect(elections).toEqual(NAMES.slice(0, 8));
    expect(owners.slice(0, 4)).toEqual(['a', 'a', 'a', 'a']);
    expect(owners.slice(4)).toEqual(['b', 'b', 'b', 'b']);
  });

  it('forgets elections that are gone, and takes in new ones', () => {
    const one = assignElections(
      members('a', 'b'),
      queues('a', 'b').slice(0, 11),
      undefined,
    );
    const two = assignElections(
      members('a', 'b'),
      queues('a', 'b').slice(1),
      one,
    );
    expect(two?.elections).toEqual(NAMES.slice(1));
    expect(Math.abs(countOf(two, 'a') - countOf(two, 'b'))).toBe(1);
  });

  it('settles at once, whatever has happened before', () => {
    const ids = fc.shuffledSubarray(ALL);
    const steps = fc.array(
      fc.record({
        present: ids,
        able: fc.array(ids, { minLength: 12, maxLength: 12 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        let known: ElectionAssignment | undefined;
        for (const { present, able } of list) {
          const standings = NAMES.map((election, index) => ({
            election,
            able: able[index] as string[],
          }));
          known = assignElections(members(...present), standings, known);
          expect(assignElections(members(...present), standings, known)).toBe(
            known,
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('balances elections that all can lead, whatever has happened before', () => {
    const presence = fc.array(fc.subarray(ALL, { minLength: 1 }), {
      minLength: 1,
      maxLength: 10,
    });
    fc.assert(
      fc.property(presence, (list) => {
        let known: ElectionAssignment | undefined;
        for (const present of list) {
          known = assignElections(
            members(...present),
            queues(...present),
            known,
          );
          const counts = present.map((id) => countOf(known, id));
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(2);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the elections that are balanced', () => {
  it('are all but the default one, in the order of their names', () => {
    expect(balancedAmong(['b', 'default', 'a'])).toEqual(['a', 'b']);
  });

  it('are as many as fit into one node', () => {
    const many = Array.from({ length: 1_001 }, (_, n) => `e${n + 1_000}`);
    expect(balancedAmong(many)).toEqual(many.slice(0, 1_000));
    const long = many.map((name) => name.padEnd(1_800, '.'));
    expect(balancedAmong(long)).toEqual(long.slice(0, 277));
  });
});

describe('the assignment of elections', () => {
  it('is read as it was written', () => {
    const one = assignElections(members(...ALL), queues(...ALL), undefined);
    const data = serializeAssignment(one as ElectionAssignment);
    expect(parseElectionAssignment(data)).toEqual(one);
  });

  it.each([
    '',
    'nonsense',
    'null',
    '{"version":1,"round":1,"members":["a"],"owners":[0],"moved":[1]}',
    '{"version":1,"round":1,"members":["a"],"owners":[0],"moved":[1],"elections":[]}',
    '{"version":1,"round":1,"members":["a"],"owners":[0],"moved":[1],"elections":[7]}',
    '{"version":2,"round":1,"members":["a"],"owners":[0],"moved":[1],"elections":["e"]}',
  ])('is not read from %j', (data) => {
    expect(parseElectionAssignment(data)).toBeUndefined();
  });
});
