import { describe, expect, it } from '@jest/globals';
import { lastValueFrom } from 'rxjs';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { ElectionGroup } from '../../support/election-group.js';
import { useElectionGroup } from '../../support/use-election-group.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let group: ElectionGroup;
useElectionGroup((own) => {
  group = own;
});

describe('basics', () => {
  it('leadership walks through the instances in the order of their start', async () => {
    const order: string[] = [];
    for (const name of ['A', 'B', 'C', 'D', 'E']) {
      await group.join(name);
    }
    for (const instance of group.instances) {
      order.push((await group.waitForLeader()).name);
      await instance.close();
    }
    expect(order).toEqual(['A', 'B', 'C', 'D', 'E']);
    await group.expectInvariant();
  });

  it('ten concurrent contenders lead one at a time', async () => {
    const instances = await Promise.all(
      Array.from({ length: 10 }, (_, index) => group.start(`I${index}`)),
    );
    await Promise.all(
      instances.map(async (instance) => {
        await instance.election.waitForLeadership({ timeoutMs: 25_000 });
        await new Promise((resolve) => {
          setTimeout(resolve, Math.random() * 50);
        });
        await instance.close();
      }),
    );
    expect(group.checker.of('default')).toHaveLength(10);
    await group.expectInvariant();
  });

  it('when one in the middle leaves, the one behind it does not lead', async () => {
    const a = await group.join('A');
    const b = await group.join('B');
    const c = await group.join('C');
    await b.close();
    await group.expectInvariant();
    expect([a.isLeader, c.isLeader]).toEqual([true, false]);
    await a.close();
    await group.waitForLeader(c);
    await group.expectInvariant();
  });

  it('without a server nobody leads; when one comes, one is elected once', async () => {
    const port = await freePort();
    const late = new ElectionGroup(port, '/late');
    const instance = await late.start('A');
    await waitFor(() => late.logger.messages('warn').length > 0, {
      description: 'the log to say that nobody answers',
    });
    const lateServer = await ZookeeperServer.start({ port });
    await late.waitForLeader(instance, 25_000);
    expect(instance.roles).toEqual(['idle', 'leader']);
    await late.expectInvariant();
    await late.close();
    await lateServer.close();
  });

  it('an instance that closes before it has connected creates nothing and ends', async () => {
    const instance = await group.start('A', { isProxied: true });
    instance.proxy?.refuse();
    instance.proxy?.cut();
    const waiting = instance.election.waitForLeadership();
    const outcome = waiting.catch((error: { code: string }) => error.code);
    await instance.close();
    expect(['CLOSED', expect.objectContaining({})]).toContainEqual(
      await outcome,
    );
    expect(instance.election.leadership.reason).toBe('shutdown');
    expect(await group.nodes()).toEqual([]);
  });

  it('nobody takes part in an election that does not exist', async () => {
    const instance = await group.join('A');
    const other = instance.elections.find('nobody-enters', 'a test');
    expect(await other.participants()).toEqual([]);
    const seen: unknown[] = [];
    other.leader$.subscribe((leader) => seen.push(leader));
    await waitFor(() => seen.length > 0, { description: 'a first value' });
    expect(seen).toEqual([undefined]);
  });

  it('a participant that vanishes between listing and reading is left out', async () => {
    const a = await group.join('A', { isProxied: true });
    const b = await group.join('B');
    const held = a.proxy?.holdReplyOf('getChildren2');
    const listing = a.election.participants();
    await held?.arrived;
    await b.close();
    held?.release();
    const participants = await listing;
    expect(participants.map(({ instanceId }) => instanceId)).toEqual(['A']);
  });

  // etcd-io/etcd#6278
  it('foreign children are ignored', async () => {
    const path = `${group.basePath}/elections/default`;
    await group.inspect(async (client) => {
      await client.createAll(path);
      for (const name of [
        'config',
        'write-lock-0000000000',
        '_c_-latch-0000000001',
        'n_12',
      ]) {
        await client.create(`${path}/${name}`, { data: 'not ours' });
      }
    });
    const a = await group.join('A');
    expect(a.isLeader).toBe(true);
    expect(await a.election.participants()).toHaveLength(1);
    await a.close();
    expect(await group.nodes()).toHaveLength(4);
  });

  it('entering twice creates one node', async () => {
    const a = await group.join('A');
    a.election.enter();
    a.election.enter();
    await group.expectInvariant();
    expect(a.roles).toEqual(['idle', 'leader']);
  });
});

describe('callbacks and work', () => {
  it('resign() and withdraw() may be called from inside a callback', async () => {
    const a = await group.start('A');
    const b = await group.start('B');
    let resigned = 0;
    for (const { election } of [a, b]) {
      election.leadership$.subscribe(({ role }) => {
        if (role === 'leader' && resigned < 6) {
          resigned += 1;
          void election.resign();
        } else if (role === 'leader') {
          void election.withdraw();
        }
      });
    }
    await waitFor(
      () =>
        [a, b].every((one) => one.election.leadership.reason === 'withdrawn'),
      { description: 'both to have withdrawn' },
    );
    for (const { roles } of [a, b]) {
      roles.forEach((role, index) => {
        // Never gained twice without a loss in between.
        expect(role === 'leader' && roles[index + 1] === 'leader').toBe(false);
      });
    }
    expect(group.checker.of('default')).toHaveLength(8);
    // Leadership ends first, and then what it was run on.
    await waitFor(async () => (await group.nodes()).length === 0, {
      description: 'their nodes to go',
    });
    group.expectOneLeaderAtATime();
  });

  it('a late subscriber hears the present state first', async () => {
    const a = await group.join('A');
    const heard: string[] = [];
    a.election.leadership$.subscribe(({ role }) => heard.push(role));
    expect(heard).toEqual(['leader']);
  });

  it('a subscriber that changes the state does not reorder what others hear', async () => {
    const a = await group.start('A');
    const heard: string[] = [];
    a.election.leadership$.subscribe(({ role }) => {
      if (role === 'leader') {
        void a.election.withdraw();
      }
    });
    a.election.leadership$.subscribe(({ role, reason }) =>
      heard.push(`${role} ${reason}`),
    );
    await waitFor(() => heard.length === 3, { description: 'three values' });
    expect(heard).toEqual([
      'idle starting',
      'leader elected',
      'idle withdrawn',
    ]);
  });

  // CURATOR-518
  it('resigning twice with nobody else waiting leads again', async () => {
    const a = await group.join('A');
    await Promise.all([a.election.resign(), a.election.resign()]);
    await group.waitForLeader(a);
    await group.expectInvariant();
  });

  it('resigning hands over to the next, and queues again', async () => {
    const a = await group.join('A');
    const b = await group.join('B');
    await group.resign(a);
    await group.waitForLeader(b);
    await group.resign(b);
    await group.waitForLeader(a);
    await group.expectInvariant();
  });

  it('leader$ on a follower ends at the true leader', async () => {
    const [a, b, c] = [
      await group.join('A'),
      await group.join('B'),
      await group.join('C'),
    ];
    const seen: (string | undefined)[] = [];
    c.election.leader$.subscribe((leader) => seen.push(leader?.instanceId));
    await group.waitUntil(() => seen.at(-1) === 'A', {
      description: 'A to be seen',
    });
    await group.resign(a);
    await group.waitUntil(() => seen.at(-1) === 'B', {
      description: 'B to be seen',
    });
    await b.close();
    await group.waitUntil(() => seen.at(-1) === 'C', {
      description: 'C to be seen',
    });
    await group.resign(c);
    await group.waitUntil(() => seen.at(-1) === 'A', {
      description: 'A to be seen again',
    });
    // Who watches may see the first node before its owner has heard of it.
    await group.waitForLeader(a);
    expect(seen.at(-1)).toBe('A');
  });

  it('leader$ completes, also for those who ask after the end', async () => {
    const a = await group.join('A');
    await a.close();
    await expect(
      lastValueFrom(a.election.leader$, { defaultValue: 'nothing seen' }),
    ).resolves.toBe('nothing seen');
  });
});
