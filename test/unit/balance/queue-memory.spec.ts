import { describe, expect, it } from '@jest/globals';
import { QueueMemory } from '../../../lib/balance/queue-memory.js';
import {
  parseElectionNode,
  type ElectionNode,
} from '../../../lib/election/election-node.js';

describe('the memory of a queue', () => {
  const all = new Set(['a', 'b']);

  function queueOf(...names: string[]): ElectionNode[] {
    return names.map((name) => parseElectionNode(name) as ElectionNode);
  }

  function sessions(nodes: readonly ElectionNode[]): unknown[] {
    return nodes.map(({ session }) => session);
  }

  const A = 'u-sa-n_0000000001';
  const B = 'u-sb-n_0000000002';
  const A_AGAIN = 'u-sa-n_0000000003';

  it('counts who has left for a moment, behind those that are there', () => {
    const memory = new QueueMemory();
    memory.recall(queueOf(A, B), all, 0);
    expect(memory.isUncertain).toBe(false);
    expect(sessions(memory.recall(queueOf(B), all, 1_000))).toEqual(['b', 'a']);
    expect(sessions(memory.recall(queueOf(B), all, 1_400))).toEqual(['b', 'a']);
    expect(memory.isUncertain).toBe(true);
    expect(sessions(memory.recall(queueOf(B), all, 1_500))).toEqual(['b']);
    expect(memory.isUncertain).toBe(false);
  });

  it('is certain again when it is back, and counts another absence anew', () => {
    const memory = new QueueMemory();
    memory.recall(queueOf(A, B), all, 0);
    memory.recall(queueOf(B), all, 1_000);
    const back = memory.recall(queueOf(B, A_AGAIN), all, 1_001);
    expect(back).toEqual(queueOf(B, A_AGAIN));
    expect(memory.isUncertain).toBe(false);
    expect(sessions(memory.recall(queueOf(B), all, 1_600))).toEqual(['b', 'a']);
  });

  it('forgets at once whose instance is gone, and who was never there', () => {
    const memory = new QueueMemory();
    memory.recall(queueOf(A, B, 'u-n_0000000004'), all, 0);
    expect(sessions(memory.recall([], new Set(['b']), 1))).toEqual(['b']);
    expect(sessions(memory.recall([], all, 2))).toEqual(['b']);
  });
});
