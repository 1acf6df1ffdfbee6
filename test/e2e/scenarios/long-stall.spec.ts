import { expect, it } from '@jest/globals';
import type { ElectionGroup } from '../../support/election-group.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { useElectionGroup } from '../../support/use-election-group.js';

const SESSION_TIMEOUT_MS = 2_000;
const HANDSHAKE = ['connect', 'ping', 'auth', 'sasl'];

let group: ElectionGroup;
useElectionGroup(
  (own) => {
    group = own;
  },
  { sessionTimeoutMs: SESSION_TIMEOUT_MS, guardian: false },
);

function block(forMs: number): void {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs);
}

// A server that follows answered a heartbeat on the old connection, while the
// leading server, which it had not told yet, expired the session: two leaders.
it('after a stall of more than half the session timeout a leader trusts no answer of the old connection', async () => {
  const a = await group.join('A', { isProxied: true });
  const proxy = a.proxy as TcpProxy;
  await group.waitForLeader(a);
  const before = proxy.replies('connect').length;
  await group.waitUntil(
    () =>
      proxy.replies('setData').length > 1 &&
      proxy.replies().length === proxy.requests().length,
    { description: 'the server to have answered everything' },
  );

  block(SESSION_TIMEOUT_MS * 0.7);
  const wokeAtNs = process.hrtime.bigint();
  await group.waitUntil(() => proxy.replies('connect').length > before, {
    description: 'a new connection',
  });
  await group.waitForLeader(a);

  const trusted = proxy
    .requests('setData')
    .filter(({ atNs, connection }) => atNs > wokeAtNs && connection <= before);
  expect(trusted).toEqual([]);
  // The heartbeat does not wait for its next turn, nor for what else is asked.
  const since = proxy.frames.filter(({ connection }) => connection > before);
  const heartbeat = since.findIndex(
    ({ kind, opcode }) => kind === 'request' && opcode === 'setData',
  );
  const answer = since.findIndex(
    ({ kind, opcode }) => kind === 'reply' && !HANDSHAKE.includes(opcode),
  );
  expect(heartbeat).toBeGreaterThanOrEqual(0);
  expect(heartbeat).toBeLessThan(answer);
  await group.expectInvariant();
});
