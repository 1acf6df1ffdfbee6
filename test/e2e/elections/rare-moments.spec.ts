import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sortedNodes } from '../../../lib/election/election-node.js';
import type {
  ElectionGroup,
  ElectionInstance,
} from '../../support/election-group.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { useElectionGroup } from '../../support/use-election-group.js';
import { WireClient } from '../../support/wire-client.js';

const SESSION_TIMEOUT_MS = 2_000;
const unhandled: unknown[] = [];
const note = (error: unknown): number => unhandled.push(error);

let group: ElectionGroup;
useElectionGroup(
  (own) => {
    group = own;
  },
  { sessionTimeoutMs: SESSION_TIMEOUT_MS },
);

beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
  if (unhandled.length > 0) {
    throw new AggregateError(unhandled, 'Rejections that nobody handled');
  }
});

function path(node?: string): string {
  return [group.basePath, 'elections/default', ...(node ? [node] : [])].join(
    '/',
  );
}

describe('an instance that joins an election on a new path', () => {
  it('leads it although its event loop is blocked meanwhile', async () => {
    const a = await group.join('A', { maxStallMs: 30_000 });
    const fresh = a.elections.get('fresh');
    // What it asks for in this turn leaves; nothing is answered.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const untilMs = performance.now() + 0.8 * SESSION_TIMEOUT_MS;
    while (performance.now() < untilMs);
    await group.waitUntil(() => fresh.isLeader(), {
      description: 'A to lead the new election',
    });
    expect(await group.nodes('fresh')).toHaveLength(1);
    await group.expectInvariant();
  });

  it.each(['create', 'createContainer'])(
    'leads it although its session ends during %s',
    async (opcode) => {
      const a = await group.join('A', { isProxied: true });
      const proxy = a.proxy as TcpProxy;
      const held = proxy.holdReplyOf(opcode);
      const fresh = a.elections.get('fresh');
      await held.arrived;
      await WireClient.expire({ port: group.port, ...proxy.lastSession() });
      proxy.cut();
      await group.waitUntil(() => fresh.isLeader(), {
        description: 'A to lead the new election',
      });
      expect(await group.nodes('fresh')).toHaveLength(1);
      await group.expectInvariant();
    },
  );
});

describe('an instance that resigns goes to the end of the queue', () => {
  /** A leads, and has resigned; the answers are held from that one on. */
  async function resigning(opcode: string) {
    const a = await group.join('A', { isProxied: true });
    const b = await group.join('B');
    await group.waitForLeader(a);
    const proxy = a.proxy as TcpProxy;
    const held = proxy.holdReplyOf(opcode);
    const resigned = a.election.resign();
    await held.arrived;
    await group.waitForLeader(b);
    return { a, b, proxy, held, resigned };
  }

  async function expectQueue(
    of: ElectionInstance,
    ...instanceIds: string[]
  ): Promise<void> {
    await group.waitUntil(
      async () => {
        const found = await of.election.participants();
        return (
          found.map(({ instanceId }) => instanceId).join() ===
          instanceIds.join()
        );
      },
      { description: `the queue to be ${instanceIds.join()}` },
    );
  }

  async function expectToFollowAndLeadAgain(
    a: ElectionInstance,
    b: ElectionInstance,
  ): Promise<void> {
    await expectQueue(b, 'B', 'A');
    await group.waitUntil(() => a.election.leadership.role === 'follower', {
      description: 'A to follow',
    });
    await b.election.resign();
    await group.waitForLeader(a);
    await group.expectInvariant();
  }

  it('and follows the next leader', async () => {
    const { a, b, held, resigned } = await resigning('delete');
    held.release();
    await resigned;
    await expectToFollowAndLeadAgain(a, b);
  });

  it.each(['delete', 'create', 'getChildren2'])(
    'and has one entry there, although the answers are lost from %s on',
    async (opcode) => {
      const { a, b, proxy, resigned } = await resigning(opcode);
      proxy.cut();
      await resigned;
      await expectToFollowAndLeadAgain(a, b);
    },
  );

  it('and has one entry there, although the server has got the deletion only', async () => {
    const a = await group.join('A', { isProxied: true });
    const b = await group.join('B');
    await group.waitForLeader(a);
    const proxy = a.proxy as TcpProxy;
    const [former] = await group.nodes().then(sortedNodes);
    const prefix = former?.name.slice(0, -10) ?? '';
    const created = proxy.holdRequestOf('create', path(prefix));
    const resigned = a.election.resign();
    await created;
    await group.waitForLeader(b);
    expect(await group.nodes()).toHaveLength(1);
    proxy.cut();
    await resigned;
    await expectToFollowAndLeadAgain(a, b);
  });

  it.each(
    ['delete', 'create', 'getChildren2'].flatMap((opcode) => [
      [opcode, 'come'],
      [opcode, 'are lost'],
    ]),
  )(
    'and leaves nothing there when it withdraws before the answers from %s on %s',
    async (opcode, outcome) => {
      const { a, b, proxy, held, resigned } = await resigning(opcode);
      const withdrawn = a.election.withdraw();
      if (outcome === 'come') {
        held.release();
      } else {
        proxy.cut();
      }
      await Promise.all([resigned, withdrawn]);
      await expectQueue(b, 'B');
      expect(a.election.leadership.role).toBe('idle');
      group.expectOneLeaderAtATime();
    },
  );
});

describe('an operator who deletes nodes', () => {
  beforeEach(() => {
    group.isTamperedWith = true;
  });

  it('while their owner reads its own: it sees that, and queues again', async () => {
    const a = await group.join('A');
    const b = await group.start('B', { isProxied: true });
    const proxy = b.proxy as TcpProxy;
    // The first is that of the node before; that of its own node is behind it.
    const held = proxy.holdReplyOf('getData');
    await held.arrived;
    await group.waitUntil(async () => (await group.nodes()).length === 2, {
      description: 'the node of B',
    });
    const [, own] = await group
      .nodes()
      .then((names) =>
        names.toSorted((x, y) => x.slice(-10).localeCompare(y.slice(-10))),
      );
    await group.inspect((client) => client.delete(path(own)));
    held.release();
    await group.waitUntil(
      async () => {
        const names = await group.nodes();
        return names.length === 2 && !names.includes(own as string);
      },
      { description: 'another node of B' },
    );
    await a.close();
    await group.waitForLeader(b);
    await group.expectInvariant();
  });

  it('of everybody: who hears of two of them at once does not lead on one that is gone', async () => {
    const a = await group.join('A');
    const b = await group.join('B', { isProxied: true });
    const proxy = b.proxy as TcpProxy;
    const [first] = await a.election.participants();
    const queued = await a.election.participants();
    // Until then B has nothing but its place behind A.
    await group.waitUntil(
      () =>
        proxy.replies().length === proxy.requests().length &&
        b.election.leadership.role === 'follower',
      { description: 'B to know its place' },
    );
    proxy.hold('replies');
    const events = proxy.events().length;
    await group.inspect(async (client) => {
      await client.delete(path(first?.node));
      await client.delete(path(queued.at(-1)?.node));
    });
    await group.waitUntil(() => proxy.events().length === events + 2, {
      description: 'both events to be on their way',
    });
    proxy.release('replies');
    await group.waitForLeader(a);
    await group.waitUntil(async () => (await group.nodes()).length === 2, {
      description: 'both to have queued again',
    });
    expect(b.roles).not.toContain('leader');
    await a.close();
    await group.waitForLeader(b);
    // In the order in which they lead now: no token of a node that was deleted.
    const tokens = group.checker
      .of('default')
      .map(({ fencingToken }) => Number(fencingToken));
    expect(tokens).toEqual(tokens.toSorted((x, y) => x - y));
  });

  it('with the path of the whole election: it is created again, and both take part', async () => {
    const a = await group.join('A');
    const b = await group.join('B');
    await group.inspect(async (client) => {
      // Instances that have heard of it queue again meanwhile.
      for (let attempt = 0; attempt < 20; attempt += 1) {
        await client.deleteRecursive(path()).catch(() => undefined);
      }
    });
    await group.waitUntil(async () => (await group.nodes()).length === 2, {
      description: 'both to have queued again',
    });
    await group.waitUntil(() => a.isLeader !== b.isLeader, {
      description: 'one of them to lead',
    });
    expect(new Set(await group.nodes()).size).toBe(2);
  });
});

describe('a new connection', () => {
  it('whose sync is not answered counts for nothing: the next one asks again', async () => {
    const a = await group.join('A', { isProxied: true });
    const b = await group.join('B');
    const proxy = a.proxy as TcpProxy;
    const held = proxy.holdReplyOf('sync');
    proxy.cut();
    await held.arrived;
    proxy.cut();
    const { client } = a.elections.session ?? {};
    const { connection: lost = 0 } = proxy.requests('sync').at(-1) ?? {};
    await group.waitUntil(
      () =>
        client?.connection.state === 'connected' &&
        proxy.requests('getData').some(({ connection }) => connection > lost),
      { description: 'A to look at its node again' },
    );
    const asked = proxy
      .requests()
      .filter(({ connection }) => connection > lost)
      .map(({ opcode }) => opcode);
    expect(asked).toContain('sync');
    expect(asked.indexOf('sync')).toBeLessThan(asked.indexOf('getChildren2'));
    await group.waitForLeader(a);
    expect(b.roles).not.toContain('leader');
    await group.expectInvariant();
  });
});
