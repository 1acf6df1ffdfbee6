import { describe, expect, it } from '@jest/globals';
import {
  ElectionGroup,
  type ElectionInstance,
} from '../../support/election-group.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { useElectionGroup } from '../../support/use-election-group.js';
import { waitFor } from '../../support/wait-for.js';

let group: ElectionGroup;
useElectionGroup((own) => {
  group = own;
});

/** A connected instance outside of the election, with a disturbable network. */
async function connectedOutside(
  name: string,
): Promise<[ElectionInstance, TcpProxy]> {
  const instance = await group.join(name, { isProxied: true });
  await instance.election.withdraw();
  return [instance, instance.proxy as TcpProxy];
}

describe('create and delete races', () => {
  it('the reply of the create is lost: the node is found, and is the only one', async () => {
    const [a, proxy] = await connectedOutside('A');
    const held = proxy.holdReplyOf('create');
    a.election.enter();
    const { createdPath } = await held.arrived;
    proxy.cut();
    await group.waitForLeader(a);
    expect(await group.nodes()).toEqual([createdPath?.split('/').at(-1)]);
    await group.expectInvariant();
  });

  // CURATOR-45
  it('the reply is lost and the candidate gives up: the orphan goes, the next one leads', async () => {
    const [a, proxy] = await connectedOutside('A');
    const held = proxy.holdReplyOf('create');
    a.election.enter();
    await held.arrived;
    const b = await group.join('B');
    expect(b.isLeader).toBe(false);
    void a.election.withdraw();
    proxy.cut();
    await group.waitForLeader(b);
    await waitFor(async () => (await group.nodes()).length === 1, {
      description: 'the orphan to go',
    });
    group.expectOneLeaderAtATime();
  });

  // CURATOR-18
  it('closed during a pending create: no node is left', async () => {
    const [a, proxy] = await connectedOutside('A');
    const held = proxy.holdReplyOf('create');
    a.election.enter();
    await held.arrived;
    const closed = a.elections.shutDown();
    held.release();
    await closed;
    a.isClosed = true;
    await group.expectInvariant();
  });

  // CURATOR-3
  it('closed inside a watch event: nothing is created again', async () => {
    const a = await group.join('A');
    const b = await group.join('B');
    b.election.leadership$.subscribe(({ role }) => {
      if (role === 'leader') {
        void b.close();
      }
    });
    await a.close();
    await waitFor(() => b.election.leadership.reason === 'shutdown', {
      description: 'B to be closed',
    });
    await group.expectInvariant();
    expect(await group.nodes()).toEqual([]);
  });

  it('several restarts of the candidacy in flight: one node', async () => {
    const a = await group.join('A');
    for (let round = 0; round < 5; round += 1) {
      void a.election.withdraw();
      a.election.enter();
    }
    await group.waitForLeader(a);
    await group.expectInvariant();
  });

  // CURATOR-498
  it('a late create reply of an earlier candidacy does not leave a second node', async () => {
    const [a, proxy] = await connectedOutside('A');
    const held = proxy.holdReplyOf('create');
    a.election.enter();
    await held.arrived;
    void a.election.withdraw();
    a.election.enter();
    held.release();
    await group.waitForLeader(a);
    await group.expectInvariant();
  });

  // CURATOR-202
  it('withdrawing without a connection: the node goes when there is one again', async () => {
    const a = await group.join('A', { isProxied: true });
    a.proxy?.refuse();
    a.proxy?.cut();
    await waitFor(async () => group.logger.messages('warn').length > 0, {
      description: 'A to be cut off',
    });
    await a.election.withdraw();
    expect(await group.nodes()).toHaveLength(1);
    await a.proxy?.accept();
    await waitFor(async () => (await group.nodes()).length === 0, {
      description: 'the node to go',
    });
  });

  it('giving up waiting does not leave the election', async () => {
    await group.join('A');
    const b = await group.join('B');
    const abort = new AbortController();
    const waiting = b.election.waitForLeadership({ signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(
      b.election.waitForLeadership({ timeoutMs: 10 }),
    ).rejects.toMatchObject({ code: 'TIMEOUT' });
    await group.expectInvariant();
  });

  // etcd-io/etcd#22123
  it('the reply of the resignation is lost: it is done all the same, and can be repeated', async () => {
    const a = await group.join('A', { isProxied: true });
    const b = await group.join('B');
    const held = a.proxy?.holdReplyOf('create');
    const resigned = a.election.resign();
    await held?.arrived;
    a.proxy?.cut();
    await group.waitForLeader(b);
    await resigned;
    await group.expectInvariant();
    await group.resign(b);
    await group.waitForLeader(a);
    await group.resign(a);
    await group.waitForLeader(b);
    await group.expectInvariant();
  });

  // CURATOR-644, CURATOR-645
  it('the predecessor goes while its successor looks: it is seen, and the node is kept', async () => {
    const a = await group.join('A');
    const [b, proxy] = await connectedOutsideBehind('B');
    const held = proxy.holdReplyOf('getChildren2');
    b.election.enter();
    await held.arrived;
    const [node] = (await group.nodes()).slice(-1);
    await a.close();
    held.release();
    await group.waitForLeader(b);
    expect(await group.nodes()).toHaveLength(1);
    expect(group.instances[1]?.election.leadership).toMatchObject({
      role: 'leader',
    });
    const created = proxy
      .replies('create')
      .map(({ createdPath }) => createdPath?.split('/').at(-1));
    expect(created.at(-1)).toBe((await group.nodes())[0]);
    expect(node).toBeDefined();
    await group.expectInvariant();
  });

  async function connectedOutsideBehind(
    name: string,
  ): Promise<[ElectionInstance, TcpProxy]> {
    const instance = await group.join(name, { isProxied: true });
    await instance.election.withdraw();
    return [instance, instance.proxy as TcpProxy];
  }
});

describe('interference', () => {
  it("an operator deletes the leader's node: the next one leads, the former queues again", async () => {
    group.isTamperedWith = true;
    const a = await group.join('A');
    const b = await group.join('B');
    const [first] = await a.election.participants();
    await group.inspect((client) =>
      client.delete(`${group.basePath}/elections/default/${first?.node}`),
    );
    await group.waitForLeader(b);
    await waitFor(
      () => a.election.leadership.role === 'follower' && !a.isLeader,
      { description: 'A to wait' },
    );
    expect(a.changes.map(({ reason }) => reason)).toContain('node-deleted');
    await waitFor(async () => (await group.nodes()).length === 2, {
      description: 'two nodes',
    });
    expect(
      (await b.election.participants()).map(({ instanceId }) => instanceId),
    ).toEqual(['B', 'A']);
  });

  it("an operator deletes a follower's node: it queues again, the one behind stays behind", async () => {
    const a = await group.join('A');
    const b = await group.join('B');
    const c = await group.join('C');
    const participants = await a.election.participants();
    await group.inspect((client) =>
      client.delete(
        `${group.basePath}/elections/default/${participants[1]?.node}`,
      ),
    );
    await waitFor(
      async () =>
        (await a.election.participants())
          .map(({ instanceId }) => instanceId)
          .join() === 'A,C,B',
      { description: 'B to queue again' },
    );
    expect([a.isLeader, b.isLeader, c.isLeader]).toEqual([true, false, false]);
    await a.close();
    await group.waitForLeader(c);
    await group.expectInvariant();
  });
});

describe('what it costs', () => {
  it('joins in the round trip of one write', async () => {
    const [a, proxy] = await connectedOutside('A');
    let repliesAtElection: string[] | undefined;
    a.election.leadership$.subscribe(({ role }) => {
      if (role === 'leader') {
        repliesAtElection ??= proxy.replies().map(({ opcode }) => opcode);
      }
    });
    proxy.forgetFrames();
    // While no reply gets through, everything that waits for none is sent.
    proxy.hold('replies');
    a.election.enter();
    await waitFor(() => proxy.requests('getChildren2').length > 0, {
      description: 'the listing to be sent',
    });
    expect(proxy.requests().map(({ opcode }) => opcode)).toEqual([
      'create',
      'getChildren2',
    ]);
    proxy.release('replies');
    await group.waitForLeader(a);
    expect(repliesAtElection).toEqual(['create', 'getChildren2']);
  });

  it('takes over without any further request', async () => {
    const a = await group.join('A');
    const b = await group.join('B', { isProxied: true });
    const proxy = b.proxy as TcpProxy;
    const isHeartbeat = (path: string | undefined): boolean =>
      path?.includes('/instances/') ?? false;
    let requestsAtElection: string[] | undefined;
    b.election.leadership$.subscribe(({ role }) => {
      if (role === 'leader') {
        requestsAtElection = proxy
          .requests()
          .filter(({ path }) => !isHeartbeat(path))
          .map(({ opcode }) => opcode);
      }
    });
    await waitFor(() => proxy.replies('getData').length >= 2, {
      description: 'B to watch',
    });
    proxy.forgetFrames();
    await a.election.withdraw();
    await group.waitForLeader(b);
    expect(requestsAtElection).toEqual([]);
  });
});
