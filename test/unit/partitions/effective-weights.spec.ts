import { describe, expect, it } from '@jest/globals';
import {
  parseMember,
  withEffectiveWeights,
  type GroupMember,
} from '../../../lib/partitions/group-nodes.js';
import type { NodeStat } from '../../../lib/zookeeper/zookeeper-client.interface.js';

function member(priority: number, excludesLower = false): GroupMember {
  return {
    id: `p${priority}`,
    weight: 2,
    partitions: 12,
    priority,
    excludesLower,
  };
}

function weightsOf(...members: GroupMember[]): number[] {
  return withEffectiveWeights(members).map(({ weight }) => weight);
}

describe('the weight of a member', () => {
  it('counts whatever its priority is', () => {
    expect(weightsOf(member(1), member(3), member(-2))).toEqual([2, 2, 2]);
    expect(weightsOf()).toEqual([]);
  });

  it('is 0 beside one with a higher priority that excludes lower ones', () => {
    expect(weightsOf(member(1), member(2, true), member(3), member(2))).toEqual(
      [0, 2, 2, 2],
    );
    expect(weightsOf(member(1, true), member(3, true))).toEqual([0, 2]);
  });

  it('counts with an entry of a version that knows no priority', () => {
    const stat = { ephemeralOwner: '1000' } as NodeStat;
    const read = (data: object) =>
      parseMember({ data: JSON.stringify(data), stat });
    expect(read({ weight: 1, partitions: 12 })).toEqual({
      id: '1000',
      weight: 1,
      partitions: 12,
      priority: 0,
      excludesLower: false,
    });
    expect(
      read({ weight: 1, partitions: 12, priority: 'x', excludesLower: 'yes' }),
    ).toMatchObject({ priority: 0, excludesLower: false });
  });
});
