import { afterEach, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import type {
  ElectionGroup,
  ElectionInstance,
} from '../../support/election-group.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { endSession } from '../../support/session-thief.js';
import { useElectionGroup } from '../../support/use-election-group.js';
import { WireClient } from '../../support/wire-client.js';

const INSTANCE = fileURLToPath(
  new URL('../../support/instance.main.mjs', import.meta.url),
);

let group: ElectionGroup;
useElectionGroup((each) => {
  group = each;
});
afterEach(() => ProcessInstance.closeAll());

/** Who has led, one name for each term, in order. */
function terms(): string[] {
  return group.checker.of('default').map(({ instance }) => instance);
}

/** The names in the queue, the leader first. */
async function queue(): Promise<string[]> {
  const looker = group.instances.find(({ isClosed }) => !isClosed);
  const participants = await looker?.election.participants();
  return (participants ?? []).map(({ instanceId }) => instanceId);
}

function waitForQueue(...names: string[]): Promise<unknown> {
  return group.waitUntil(
    async () => JSON.stringify(await queue()) === JSON.stringify(names),
    { description: `the queue to be ${names.join(', ')}` },
  );
}

async function joinAll(
  priority: number,
  ...names: string[]
): Promise<ElectionInstance[]> {
  const joined: ElectionInstance[] = [];
  for (const name of names) {
    joined.push(await group.join(name, { priority }));
  }
  return joined;
}

/** Has the first drain of an instance last until the test says so. */
function holdDrain(instance: ElectionInstance | undefined) {
  const drain = { hasBegun: false, now: (): void => undefined };
  instance?.elections.addDrain(() => {
    if (drain.hasBegun) {
      return Promise.resolve();
    }
    drain.hasBegun = true;
    return new Promise((resolve) => (drain.now = resolve));
  });
  return drain;
}

describe('An instance with a higher priority', () => {
  it('leads, and stands before all lower ones', async () => {
    await joinAll(1, 'a', 'b', 'c');
    const [x] = await joinAll(2, 'x');
    await group.waitForLeader(x);
    await group.waitUntil(async () => (await queue()).length === 4, {
      description: 'everybody to queue again',
    });
    expect(terms()).toEqual(['a', 'x']);
    expect(group.instances[0]?.changes.map(({ reason }) => reason)).toContain(
      'outranked',
    );
    expect(await x?.election.participants()).toMatchObject([
      { instanceId: 'x', priority: 2 },
      { priority: 1 },
      { priority: 1 },
      { priority: 1 },
    ]);
    const lines = group.logger.messages().join('\n');
    expect(lines).toContain(
      'a (priority 1) makes way for "x" (priority 2) in the election "default"',
    );
    expect(lines).toMatch(
      /x \(priority 2\) asks "[bc]" \(priority 1\), "[bc]"/,
    );
    expect(lines).toContain('x (priority 2) asks "a" (priority 1) to make way');
    await group.expectInvariant();
  });

  it('takes over from one without a priority, and a negative one does not', async () => {
    const a = await group.join('a');
    const [low] = await joinAll(-1, 'low');
    const [high] = await joinAll(0.5, 'high');
    await group.waitForLeader(high);
    await waitForQueue('high', 'a', 'low');
    await high?.close();
    await group.waitForLeader(a);
    await waitForQueue('a', 'low');
    expect(low?.isLeader).toBe(false);
    expect(terms()).toEqual(['a', 'high', 'a']);
    await group.expectInvariant();
  });

  it('leaves the order of equals as it is', async () => {
    await joinAll(3, 'a', 'b', 'c');
    await waitForQueue('a', 'b', 'c');
    expect(terms()).toEqual(['a']);
    await group.expectInvariant();
  });

  it('takes over in the end, whatever the order in which three of them start', async () => {
    await Promise.all(
      [2, 3, 1].map((priority) => group.join(`p${priority}`, { priority })),
    );
    await waitForQueue('p3', 'p2', 'p1');
    await group.waitForLeader(
      group.instances.find(({ name }) => name === 'p3'),
    );
    await group.expectInvariant();
  });

  it('waits until the tasks of the leader have ended', async () => {
    const [a] = await joinAll(1, 'a', 'b');
    const drain = holdDrain(a);
    const [x] = await joinAll(2, 'x');
    await group.waitUntil(() => !a?.isLeader, {
      description: 'a to step down',
    });
    await waitForQueue('a', 'x', 'b');
    expect(x?.isLeader).toBe(false);
    drain.now();
    await group.waitForLeader(x);
    await waitForQueue('x', 'b', 'a');
    expect(terms()).toEqual(['a', 'x']);
    await group.expectInvariant();
  });

  it('asks nobody that does not know the request, says so, and waits', async () => {
    const a = await group.join('a');
    const old = await WireClient.connect({ port: group.port });
    try {
      await old.create(`${group.basePath}/elections/default/old-n_`, {
        data: '{"instanceId":"old"}',
        ephemeral: true,
        sequential: true,
      });
      const x = await group.join('x', { priority: 2, sessionTimeoutMs: 1_000 });
      await group.waitUntil(
        () => group.logger.messages().some((line) => line.includes('"old" (')),
        { description: 'the request' },
      );
      await group.waitUntil(
        () =>
          group.logger
            .messages('warn')
            .some((line) =>
              line.startsWith(
                'x should stand before "old" (priority 0) in the election "default"',
              ),
            ),
        { description: 'the warning' },
      );
      expect(a.isLeader).toBe(true);
      await old.close();
      await group.waitForLeader(x);
    } finally {
      await old.close();
    }
    await group.expectInvariant();
  });
});

describe('A rolling deployment', () => {
  it.each([2, 5])(
    'of %d instances has one hand-over if new ones start first',
    async (count) => {
      const names = Array.from({ length: count }, (_, index) => index);
      const old = await joinAll(1, ...names.map((each) => `old-${each}`));
      for (const each of names) {
        await joinAll(2, `new-${each}`);
        await group.waitUntil(async () => (await queue())[0] === 'new-0', {
          description: 'a new one to lead',
        });
        await old[each]?.close();
      }
      await group.waitForLeader();
      expect(terms()).toEqual(['old-0', 'new-0']);
      await group.expectInvariant();
    },
  );

  it.each([2, 5])(
    'of %d instances has two hand-overs if the leader stops first',
    async (count) => {
      const names = Array.from({ length: count }, (_, index) => index);
      const old = await joinAll(1, ...names.map((each) => `old-${each}`));
      for (const each of names) {
        await old[each]?.close();
        await group.waitForLeader();
        const [next] = await joinAll(2, `new-${each}`);
        await group.waitForLeader(each === 0 ? next : undefined);
      }
      expect(terms()).toEqual(['old-0', 'old-1', 'new-0']);
      await group.expectInvariant();
    },
  );

  it('of a colour gives leadership to that colour, and takes it back', async () => {
    const blue = await joinAll(1, 'blue-0', 'blue-1');
    const green = await Promise.all(
      ['green-0', 'green-1'].map((name) => group.join(name, { priority: 2 })),
    );
    const first = await group.waitUntil(
      () => green.find(({ isLeader }) => isLeader),
      { description: 'green to lead' },
    );
    await group.waitUntil(
      async () =>
        (await queue()).slice(0, 2).every((name) => name.startsWith('green')),
      { description: 'green to stand before blue' },
    );
    await first.close();
    await group.waitForLeader(green.find((each) => each !== first));
    await Promise.all(green.map((each) => each.close()));
    await group.waitUntil(() => blue.some(({ isLeader }) => isLeader), {
      description: 'blue to lead again',
    });
    await group.expectInvariant();
  });
});

describe('A higher one that is gone', () => {
  /** A participant of a session that asks by hand. */
  async function claimant(): Promise<{
    zk: WireClient;
    ask(instanceId: string): Promise<void>;
  }> {
    const zk = await WireClient.connect({ port: group.port });
    const path = `${group.basePath}/elections/default`;
    const created = await zk.create(`${path}/claimant-p9-n_`, {
      data: '{"instanceId":"claimant"}',
      ephemeral: true,
      sequential: true,
    });
    return {
      zk,
      async ask(instanceId) {
        const participants = await group.instances[0]?.election.participants();
        const asked = participants?.find(
          (each) => each.instanceId === instanceId,
        );
        await zk.setData(
          `${path}/${asked?.node}`,
          JSON.stringify({
            instanceId,
            fencingToken: asked?.fencingToken,
            leaderSince: asked?.leaderSince,
            claimedBy: created.slice(path.length + 1),
          }),
        );
      },
    };
  }

  it('between its requests leaves the leader where it is', async () => {
    const [a] = await joinAll(1, 'a', 'b', 'c');
    const { zk, ask } = await claimant();
    await ask('b');
    await waitForQueue('a', 'c', 'claimant', 'b');
    await zk.close();
    await waitForQueue('a', 'c', 'b');
    expect(a?.isLeader).toBe(true);
    expect(terms()).toEqual(['a']);
    await group.expectInvariant();
  });

  it('before its request is read moves nobody', async () => {
    const [a, b] = await joinAll(1, 'a', 'b');
    const { zk, ask } = await claimant();
    const path = `${group.basePath}/elections/default`;
    const nodes = await group.nodes();
    const node = nodes.find((name) => name.startsWith('claimant')) as string;
    await zk.delete(`${path}/${node}`);
    await ask('a');
    await ask('b');
    // Each answers to what has been written after the request.
    await zk.close();
    await group.join('c');
    await a?.election.confirm();
    await b?.election.confirm();
    await waitForQueue('a', 'b', 'c');
    expect(terms()).toEqual(['a']);
    await group.expectInvariant();
  });

  it('while the leader ends its tasks leaves somebody to lead', async () => {
    const [a] = await joinAll(1, 'a', 'b');
    const drain = holdDrain(a);
    const x = new ProcessInstance(INSTANCE, {
      env: {
        OPTIONS: JSON.stringify({
          connectionString: `127.0.0.1:${group.port}`,
          basePath: group.basePath,
          instanceId: 'x',
          priority: 2,
          sessionTimeoutMs: 2_000,
        }),
      },
    });
    await group.waitUntil(() => drain.hasBegun, {
      description: 'a to end its tasks',
    });
    await x.kill();
    await waitForQueue('a', 'b');
    drain.now();
    await group.waitForLeader();
    await waitForQueue('b', 'a');
    expect(terms()).toEqual(['a', 'b']);
    await group.expectInvariant();
  });
});

it('An instance that comes and goes waits before it takes over again', async () => {
  const [a] = await joinAll(1, 'a');
  const [x] = await joinAll(2, 'x');
  await group.waitForLeader(x);
  await group.waitUntil(() => a?.election.leadership.role === 'follower', {
    description: 'a to queue again',
  });
  group.isTamperedWith = true; // ends a session that believes in itself
  const { client } = x?.elections.session ?? {};
  const former = client?.connection.sessionId as string;
  const lookedAtMs = performance.now();
  // Its client may break off, and take the session back, before it has ended.
  const brokenAtMs: number[] = [];
  let connectedAtMs = 0;
  client?.connection$.subscribe(({ state, sessionId }) => {
    if (state === 'suspended') {
      brokenAtMs.push(performance.now());
    } else if (state === 'connected' && sessionId !== former) {
      connectedAtMs ||= performance.now();
    }
  });
  await endSession(group.port, former);
  await group.waitForLeader(a);
  let tookOverAtMs = 0;
  x?.election.leadership$.subscribe(({ role }) => {
    if (role === 'leader' && connectedAtMs > 0) {
      tookOverAtMs ||= performance.now();
    }
  });
  await group.waitUntil(() => tookOverAtMs, {
    description: 'x to take over again',
  });
  // It was connected even longer, before the test looked.
  const uptimeMs = (brokenAtMs[0] ?? NaN) - lookedAtMs;
  expect(tookOverAtMs - connectedAtMs).toBeGreaterThan(3 * uptimeMs);
  expect(a?.changes.map(({ reason }) => reason)).toContain('outranked');
});

it('A leader that resigns does not take leadership back at once', async () => {
  const [a] = await joinAll(1, 'a');
  const [x] = await joinAll(2, 'x');
  await group.waitForLeader(x);
  await waitForQueue('x', 'a');
  await x?.election.resign();
  await group.waitForLeader(a);
  await waitForQueue('a', 'x');
  await group.waitForLeader(x);
  expect(terms()).toEqual(['a', 'x', 'a', 'x']);
  await group.expectInvariant();
});
