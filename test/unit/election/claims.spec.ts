import { expect, it, jest } from '@jest/globals';
import { Claims } from '../../../lib/election/claims.js';
import { parseParticipant } from '../../../lib/election/election-node.js';
import type { ElectionQueue } from '../../../lib/election/election-queue.js';
import type { ElectionReporter } from '../../../lib/election/election-reporter.js';
import type {
  NodeContent,
  NodeStat,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { waitFor } from '../../support/wait-for.js';

const NODE = 'x-p2-n_0000000009';
const LEADER = 'l-p2-n_0000000000';
const A = 'a-n_0000000001';
const B = 'b-n_0000000002';

/** Claims on nodes of which `missing` cannot be asked. */
function claimsOn(missing: string[], sessionTimeoutMs: number) {
  const asked: string[] = [];
  const told: string[] = [];
  let dues = 0;
  const claims = new Claims({
    sessionTimeoutMs: () => sessionTimeoutMs,
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
  const pursue = (...lower: string[]): Promise<void> =>
    claims.pursue(NODE, [LEADER, ...lower], {} as NodeContent);
  return { claims, pursue, asked, told, dues: () => dues };
}

it('asks each once, as long as there is hope', async () => {
  const { claims, pursue, asked, told } = claimsOn([], 20_000);
  await pursue(A, B);
  await pursue(A, B);
  await pursue(B);
  claims.end();
  expect(asked).toEqual([A, B]);
  expect(told).toEqual(['claimed 2']);
});

it('asks those again that could not be asked', async () => {
  const missing = [B];
  const { claims, pursue, asked, told } = claimsOn(missing, 20_000);
  await pursue(A, B);
  missing.pop();
  await pursue(A, B);
  claims.end();
  expect(asked).toEqual([A, B, B]);
  expect(told).toEqual(['claimed 1', 'claimed 1']);
});

it('loses no patience by a timer that fires too early', async () => {
  const { claims, pursue, told, dues } = claimsOn([], 20 / 3);
  const now = jest.spyOn(performance, 'now');
  try {
    now.mockReturnValue(1_000);
    await pursue(A);
    await waitFor(() => dues() === 1, { description: 'the first look' });
    now.mockReturnValue(1_019.5);
    await pursue(A);
    await waitFor(() => dues() === 2, { description: 'the next look' });
    now.mockReturnValue(1_020.5);
    await pursue(A);
  } finally {
    now.mockRestore();
    claims.end();
  }
  expect(told).toEqual(['claimed 1', 'not heeded by 1']);
});

it('says once that they do not make way, and asks them again', async () => {
  const { claims, pursue, asked, told, dues } = claimsOn([], 20 / 3);
  // A timer that fires early makes one round more.
  for (let round = 1; asked.length < 3; round += 1) {
    await pursue(A);
    await waitFor(() => dues() === round, { description: 'the next round' });
  }
  claims.end();
  expect(asked).toEqual([A, A, A]);
  expect(told).toEqual(['claimed 1', 'not heeded by 1']);
});

it('asks with a new entry what has been asked with the former one', async () => {
  const { claims, pursue, asked } = claimsOn([], 20_000);
  const former = pursue(A);
  // The entry goes while the answer is on its way.
  claims.end();
  await former;
  await pursue(A);
  claims.end();
  expect(asked).toEqual([A, A]);
});
