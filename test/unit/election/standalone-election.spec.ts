import { afterEach, expect, it, jest } from '@jest/globals';
import { StandaloneElection } from '../../../lib/election/standalone-election.js';

function election(): StandaloneElection {
  return new StandaloneElection({
    name: 'default',
    identity: { instanceId: 'i', host: 'h', pid: 1 },
    drain: async () => undefined,
    guard: (_election, fn) => Object.assign(fn, { dispose: () => undefined }),
    onAwaited: () => undefined,
  });
}

function tokenOf({ leadership }: StandaloneElection): number {
  return leadership.role === 'leader' ? leadership.term.fencingToken : NaN;
}

afterEach(() => {
  jest.useRealTimers();
});

it('has tokens below those of ZooKeeper, exact, and each once', async () => {
  const tokens: number[] = [];
  const one = election();
  one.enter();
  tokens.push(tokenOf(one));
  for (let term = 0; term < 1_000; term += 1) {
    await one.resign();
    tokens.push(tokenOf(one));
  }
  const other = election();
  other.enter();
  tokens.push(tokenOf(other));
  expect(tokens.every((token) => Number.isSafeInteger(token))).toBe(true);
  expect(Math.max(...tokens)).toBeLessThan(0);
  expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => a - b));
});

it('has greater tokens after a restart', () => {
  const before = election();
  before.enter();
  jest.useFakeTimers({ now: Date.now() + 60_000 });
  const after = election();
  after.enter();
  // The clock makes the difference, whatever the process remembers.
  expect(tokenOf(after) - tokenOf(before)).toBeGreaterThan(50_000);
});

it('tells each leader once, also one whose term a listener ends at once', async () => {
  const one = election();
  let resigns = 1;
  one.leadership$.subscribe(({ role }) => {
    if (role === 'leader' && resigns > 0) {
      resigns -= 1;
      void one.resign();
    }
  });
  const seen: (number | undefined)[] = [];
  one.leader$.subscribe((leader) => seen.push(leader?.fencingToken));
  one.enter();
  await one.withdraw();
  one.enter();
  const [, first] = seen;
  expect(first).toBeLessThan(0);
  expect(seen).toEqual([undefined, first, undefined, tokenOf(one)]);
});
