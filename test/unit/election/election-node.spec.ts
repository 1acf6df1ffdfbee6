import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  parseParticipant,
  sortedNodes,
} from '../../../lib/election/election-node.js';
import type { NodeStat } from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { VERSION } from '../../../lib/version.js';

const STAT = { czxid: 7, createdAtMs: 1_000 } as NodeStat;

describe('election nodes', () => {
  it('are sorted by their number alone, whatever their prefix', () => {
    const names = ['b-n_0000000002', 'a-n_0000000010', 'c-n_0000000001'];
    expect(sortedNodes(names).map(({ name }) => name)).toEqual([
      'c-n_0000000001',
      'b-n_0000000002',
      'a-n_0000000010',
    ]);
  });

  it('stay in order when the number overflows', () => {
    const names = [
      'x-n_-2147483648',
      'x-n_2147483647',
      'x-n_-2147483647',
      'x-n_2147483646',
    ];
    expect(sortedNodes(names).map(({ sequence }) => sequence)).toEqual([
      2147483646, 2147483647, -2147483648, -2147483647,
    ]);
  });

  // etcd-io/etcd#6278
  it('foreign names are not taken for election nodes', () => {
    expect(
      sortedNodes(['lock-0000000001', 'n_1', 'x-n_12', 'x-n_00000000001', '']),
    ).toEqual([]);
  });

  it.each([
    '',
    'not JSON',
    '[]',
    'null',
    '{"instanceId":5}',
    `{"instanceId":"${'x'.repeat(5_000)}"}`,
  ])('with data that is not ours (%.20s) still give a participant', (data) => {
    expect(parseParticipant('x-n_0000000001', data, STAT)).toEqual({
      node: 'x-n_0000000001',
      instanceId: '(unknown)',
      fencingToken: 7,
      joinedAt: new Date(1_000),
    });
  });
});

it('the version that instances tell is that of the package', () => {
  const file = new URL('../../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as {
    version: string;
  };
  expect(VERSION).toBe(version);
});
