import { describe, expect, it } from '@jest/globals';
import * as fc from '../../support/fast-check.js';
import { PartitionMoves } from '../../../lib/cli/partition-moves.js';
import { describeGroup, rangesText } from '../../../lib/cli/partitions.text.js';
import {
  partitionGroupOf,
  type PartitionGroupNodes,
} from '../../../lib/cluster/partition-view.js';
import type { PartitionGroupView } from '../../../lib/cluster/partition-view.interface.js';
import { UnownedClock } from '../../../lib/cluster/unowned-clock.js';
import { verdictOf, verdictText } from '../../../lib/cluster/verdict.js';
import {
  serializeAssignment,
  serializeGeneration,
} from '../../../lib/partitions/group-nodes.js';
import type { NodeContent } from '../../../lib/zookeeper/zookeeper-client.interface.js';

const NOW = 1_000_000_000;

/** A node that this session owns; `0`: nobody. */
function node(
  data: string,
  ephemeralOwner = '0',
  createdAtMs = 1,
): NodeContent {
  const stat = {
    czxid: 77,
    mzxid: 77,
    pzxid: 77,
    version: 0,
    numChildren: 0,
    ephemeralOwner,
    createdAtMs,
    modifiedAtMs: createdAtMs,
  };
  return { data, stat };
}

interface Setting {
  /** Name, weight and number of partitions of each member; its session is a1, … */
  readonly members: readonly (readonly [string, number, number])[];
  readonly generation?: number;
  /** By partition, the session. */
  readonly owned: Readonly<Record<number, string>>;
  readonly assigned?: readonly (string | undefined)[];
  /** More of what the entry of a member says, by its name. */
  readonly more?: Readonly<Record<string, object>>;
}

const sessions = ['a1', 'b2', 'c3', 'd4'];

function nodesOf(setting: Setting): PartitionGroupNodes {
  const { members, generation, owned, assigned, more } = setting;
  return {
    group: 'work',
    entries: members.map(([instanceId, weight, partitions], index) =>
      node(
        JSON.stringify({
          instanceId,
          weight,
          partitions,
          ...more?.[instanceId],
        }),
        sessions[index] ?? '0',
      ),
    ),
    generation:
      generation === undefined
        ? undefined
        : node(serializeGeneration(generation)),
    assignment:
      assigned &&
      node(
        serializeAssignment({
          round: 5,
          owners: assigned,
          moved: assigned.map(() => 1),
        }),
      ),
    listed: new Set(Object.keys(owned).map(Number)),
    ownerNode: (partition) => {
      const session = owned[partition];
      return session === undefined
        ? undefined
        : node('{"instanceId":"of the node"}', session, NOW - 120_000);
    },
  };
}

function viewOf(setting: Setting): PartitionGroupView {
  const now = partitionGroupOf(nodesOf(setting), NOW);
  return new UnownedClock().timed([now])[0] as PartitionGroupView;
}

describe('a group of partitions', () => {
  it('names owners by their sessions, with token and time', () => {
    const { owners, members, imbalance, movedLately, round } = viewOf({
      members: [
        ['one', 1, 4],
        ['two', 1, 4],
      ],
      generation: 4,
      owned: { 0: 'a1', 1: 'a1', 2: 'b2', 3: 'b2' },
      assigned: ['a1', 'a1', 'b2', 'b2'],
    });
    expect(owners.map((owner) => owner?.instanceId)).toEqual([
      'one',
      'one',
      'two',
      'two',
    ]);
    expect(owners[0]).toMatchObject({
      fencingToken: 77,
      since: new Date(NOW - 120_000),
    });
    expect(members).toMatchObject([
      { instanceId: 'one', owned: 2, assigned: 2, share: 2 },
      { instanceId: 'two', owned: 2, assigned: 2, share: 2 },
    ]);
    expect({ imbalance, movedLately, round }).toEqual({
      imbalance: 0,
      movedLately: 0,
      round: 5,
    });
  });

  it('measures the balance by weights', () => {
    const { members, imbalance } = viewOf({
      members: [
        ['one', 3, 4],
        ['two', 1, 4],
        ['web', 0, 4],
      ],
      generation: 4,
      owned: { 0: 'a1', 1: 'b2', 2: 'b2', 3: 'b2' },
    });
    expect(members.map(({ share }) => share)).toEqual([3, 1, 0]);
    expect(imbalance).toBe(2);
  });

  it('expects no share of a lower priority beside one that excludes it', () => {
    const { members, imbalance } = viewOf({
      members: [
        ['old', 3, 4],
        ['new', 1, 4],
      ],
      generation: 4,
      owned: { 0: 'b2', 1: 'b2', 2: 'b2', 3: 'b2' },
      more: {
        old: { priority: 1 },
        new: { priority: 2, excludesLower: true },
      },
    });
    expect(members).toMatchObject([
      { instanceId: 'old', weight: 3, share: 0 },
      { instanceId: 'new', weight: 1, share: 4 },
    ]);
    expect(imbalance).toBe(0);
  });

  it('warns where instances with a share are of several applications', () => {
    const warningsOf = (...applications: (string | undefined)[]) =>
      viewOf({
        members: [
          ['one', 1, 4],
          ['two', 1, 8],
          ['web', 0, 4],
        ],
        owned: {},
        more: {
          one: { application: applications[0] },
          two: { application: applications[1] },
          web: { application: applications[2] },
        },
      }).warnings;
    expect(warningsOf('shop', 'shop', 'web')).toEqual([]);
    expect(warningsOf('shop', undefined)).toEqual([]);
    expect(warningsOf('shop', 'billing')).toEqual([
      expect.stringContaining('share the partitions "work": "billing", "shop"'),
    ]);
  });

  it('expects the share of a lower priority while the one that excludes it owns nothing itself', () => {
    const excluding = { priority: 2, excludesLower: true };
    const { members, imbalance } = viewOf({
      members: [
        ['old', 3, 4],
        ['web', 0, 4],
        ['other number', 1, 8],
      ],
      generation: 4,
      owned: { 0: 'a1', 1: 'a1', 2: 'a1', 3: 'a1' },
      more: { web: excluding, 'other number': excluding },
    });
    expect(members.map(({ share }) => share)).toEqual([4, 0, 0]);
    expect(imbalance).toBe(0);
  });

  it('lists what nobody owns, with who should', () => {
    const { unowned } = viewOf({
      members: [['one', 1, 3]],
      generation: 3,
      owned: { 0: 'a1', 2: '0' },
      assigned: ['a1', 'a1', undefined],
    });
    expect(unowned).toMatchObject([
      { partition: 1, assignedTo: 'one', isBlocked: false },
      { partition: 2, isBlocked: true },
    ]);
  });

  it('expects nothing where no instance takes part', () => {
    const view = viewOf({ members: [], generation: 3, owned: {} });
    expect(view.unowned).toEqual([]);
    expect(describeGroup(view)).toContain('No instance takes part.');
  });

  it('says which number comes next, and that nothing is owned before the first', () => {
    const changing = viewOf({
      members: [
        ['old', 1, 2],
        ['new', 1, 3],
      ],
      generation: 2,
      owned: { 0: 'a1', 1: 'a1' },
    });
    expect(changing).toMatchObject({ partitions: 2, nextPartitions: 3 });
    expect(changing.members.map(({ share }) => share)).toEqual([2, 0]);
    expect(describeGroup(changing)).toContain('changes from 2 to 3');

    const first = viewOf({ members: [['new', 1, 3]], owned: {} });
    expect(first.partitions).toBe(3);
    expect(first.unowned).toHaveLength(3);
  });

  it('shows an owner that is no member any more as one that leaves', () => {
    const { members, owners } = viewOf({
      members: [['one', 1, 2]],
      generation: 2,
      owned: { 0: 'a1', 1: 'ff' },
    });
    expect(owners[1]?.instanceId).toBe('of the node');
    expect(members).toMatchObject([
      { instanceId: 'one', isMember: true, owned: 1, share: 2 },
      { instanceId: 'of the node', isMember: false, owned: 1, share: 0 },
    ]);
  });

  it('takes the assignment for the owner where its node has not been read', () => {
    const nodes = nodesOf({
      members: [['one', 1, 2]],
      generation: 2,
      owned: { 0: 'a1', 1: 'a1' },
      assigned: ['a1', 'a1'],
    });
    const { owners, members } = partitionGroupOf(
      { ...nodes, ownerNode: () => undefined },
      NOW,
    );
    const owner = { instanceId: 'one', member: 0 };
    expect(owners).toEqual([owner, owner]);
    expect(members).toMatchObject([{ owned: 2 }]);
  });

  it('is well-formed whatever its nodes hold', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc
        .record({
          instanceId: fc.oneof(fc.string({ unit: 'binary' }), fc.anything()),
          weight: fc.oneof(fc.double(), fc.anything()),
          partitions: fc.oneof(fc.integer({ max: 50 }), fc.anything()),
        })
        .map((value) => {
          try {
            return JSON.stringify(value) ?? '';
          } catch {
            return '';
          }
        }),
    );
    const content = fc
      .tuple(text, fc.constantFrom('0', 'a1', 'b2'))
      .map(([data, owner]) => node(data, owner));
    fc.assert(
      fc.property(
        fc.array(content, { maxLength: 4 }),
        fc.option(content, { nil: undefined }),
        fc.option(content, { nil: undefined }),
        fc.array(fc.nat(60), { maxLength: 5 }),
        (entries, assignment, generation, listed) => {
          const [view] = new UnownedClock().timed([
            partitionGroupOf(
              {
                group: 'work',
                entries,
                assignment,
                generation,
                listed: new Set(listed),
                ownerNode: (partition) => entries[partition],
              },
              NOW,
            ),
          ]);
          const { owners, partitions, imbalance } = view as PartitionGroupView;
          expect(owners).toHaveLength(partitions);
          expect(Number.isFinite(imbalance)).toBe(true);
          expect(describeGroup(view as PartitionGroupView)).not.toMatch(
            // oxlint-disable-next-line no-control-regex
            /[\u0000-\u0009\u000b-\u001f\u2028\u2029]/,
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('what nobody owns', () => {
  const group = (owned: Record<number, string>) =>
    partitionGroupOf(
      nodesOf({ members: [['one', 1, 2]], generation: 2, owned }),
      NOW,
    );

  it('is timed from when it was seen first, and anew after it had an owner', () => {
    const clock = new UnownedClock();
    const sinceAt = (ms: number, owned: Record<number, string>) =>
      clock
        .timed([group(owned)], new Date(ms))[0]
        ?.unowned.map(({ since }) => since.getTime());
    expect(sinceAt(1, { 0: 'a1' })).toEqual([1]);
    expect(sinceAt(2, {})).toEqual([2, 1]);
    expect(sinceAt(3, { 1: 'a1' })).toEqual([2]);
    expect(sinceAt(4, {})).toEqual([2, 4]);
  });

  it('is a problem when it lasts longer than a move', () => {
    const seen = (agoMs: number) =>
      new UnownedClock().timed(
        [group({ 0: 'a1' })],
        new Date(Date.now() - agoMs),
      );
    const verdict = (agoMs: number) =>
      verdictOf(
        {
          elections: [],
          partitions: seen(agoMs),
          instances: [{ instanceId: 'one' }],
        },
        [],
      );
    expect(verdict(1_000).unowned).toEqual([]);
    expect(verdict(5_001).unowned).toEqual(['work[1]']);
    expect(verdictText(verdict(5_001))).toContain(
      '1 partition without an owner',
    );
  });
});

describe('numbers of partitions', () => {
  it('are ranges, and few of them', () => {
    expect(rangesText([])).toBe('');
    expect(rangesText([0, 1, 2, 5, 7, 8])).toBe('0-2, 5, 7-8');
    const even = Array.from({ length: 100 }, (_, index) => index * 2);
    expect(rangesText(even)).toMatch(/, 38, …$/);
  });
});

describe('moves', () => {
  it('are one line for all that an instance gets', () => {
    const moves = new PartitionMoves();
    const members = [
      ['one', 1, 4],
      ['two', 1, 4],
    ] as const;
    const texts = (owned: Record<number, string>) =>
      moves
        .since([viewOf({ members, generation: 4, owned })])
        .map(({ text }) => text);
    expect(texts({ 0: 'a1', 1: 'a1', 2: 'a1', 3: 'a1' })).toEqual([
      'partitions "work": one owns 0-3 (4 in all)',
    ]);
    expect(texts({ 0: 'a1', 1: 'a1', 3: 'b2' })).toEqual([
      'partitions "work": nobody owns 2',
      'partitions "work": two owns 3 (1 in all)',
    ]);
    expect(texts({ 0: 'a1', 1: 'a1', 3: 'b2' })).toEqual([]);
  });
});
