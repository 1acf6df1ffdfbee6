import { expect, it, jest } from '@jest/globals';
import { Claim } from '../../../lib/election/claim.js';
import { parseParticipant } from '../../../lib/election/election-node.js';
import type { ElectionQueue } from '../../../lib/election/election-queue.js';
import type { ElectionReporter } from '../../../lib/election/election-reporter.js';
import type { NodeStat } from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { waitFor } from '../../support/wait-for.js';

/** A claim on nodes of which `missing` cannot be asked. */
function claimOn(missing: string[], patienceMs: number) {
  const asked: string[] = [];
  const told: string[] = [];
  let dues = 0;
  const claim = new Claim({
    node: 'x-p2-n_0000000009',
    patienceMs,
    queue: {
      claim: (node: string) => {
        asked.push(node);
        return Promise.resolve(
          missing.includes(node)
            ? undefined
            : parseParticipant(node, '', { createdAtMs: 0 } as NodeStat),
        );
      },
    } as unknown as ElectionQueue,
    reporter: {
      claimed: (from) => told.push(`claimed ${from.length}`),
      notHeeded: (by) => told.push(`not heeded by ${by.length}`),
    } as Partial<ElectionReporter> as ElectionReporter,
    onDue: () => {
      dues += 1;
    },
  });
  return { claim, asked, told, dues: () => dues };
}

it('asks each once, as long as there is hope', async () => {
  const { claim, asked, told } = claimOn([], 60_000);
  await claim.pursue(['a', 'b'], undefined);
  await claim.pursue(['a', 'b'], undefined);
  await claim.pursue(['b'], undefined);
  claim.end();
  expect(asked).toEqual(['a', 'b']);
  expect(told).toEqual(['claimed 2']);
});

it('asks those again that could not be asked', async () => {
  const missing = ['b'];
  const { claim, asked, told } = claimOn(missing, 60_000);
  await claim.pursue(['a', 'b'], undefined);
  missing.pop();
  await claim.pursue(['a', 'b'], undefined);
  claim.end();
  expect(asked).toEqual(['a', 'b', 'b']);
  expect(told).toEqual(['claimed 1', 'claimed 1']);
});

it('loses no patience by a timer that fires too early', async () => {
  const { claim, told, dues } = claimOn([], 20);
  const now = jest.spyOn(performance, 'now');
  try {
    now.mockReturnValue(1_000);
    await claim.pursue(['a'], undefined);
    await waitFor(() => dues() === 1, { description: 'the first look' });
    now.mockReturnValue(1_019.5);
    await claim.pursue(['a'], undefined);
    await waitFor(() => dues() === 2, { description: 'the next look' });
    now.mockReturnValue(1_020.5);
    await claim.pursue(['a'], undefined);
  } finally {
    now.mockRestore();
    claim.end();
  }
  expect(told).toEqual(['claimed 1', 'not heeded by 1']);
});

it('says once that they do not make way, and asks them again', async () => {
  const { claim, asked, told, dues } = claimOn([], 20);
  // A timer that fires early makes one round more.
  for (let round = 1; asked.length < 3; round += 1) {
    await claim.pursue(['a'], undefined);
    await waitFor(() => dues() === round, { description: 'the next round' });
  }
  claim.end();
  expect(asked).toEqual(['a', 'a', 'a']);
  expect(told).toEqual(['claimed 1', 'not heeded by 1']);
});
