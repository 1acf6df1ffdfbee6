import { afterEach, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { nativeZookeeper } from '../../../lib/native/index.js';
import type {
  ElectionGroup,
  ElectionInstance,
  InstanceOptions,
} from '../../support/election-group.js';
import { ProcessInstance } from '../../support/process-instance.js';
import { useElectionGroup } from '../../support/use-election-group.js';

const INSTANCE = fileURLToPath(
  new URL('../../support/instance.main.mjs', import.meta.url),
);
const NAMES = Array.from({ length: 12 }, (_, index) => `e${index}`);

let group: ElectionGroup;
useElectionGroup(
  (each) => {
    group = each;
  },
  { balance: true, enters: NAMES },
);
afterEach(() => ProcessInstance.closeAll());

/** The elections that an instance leads. */
function ledBy({ elections, entered, isClosed }: ElectionInstance): string[] {
  return isClosed
    ? []
    : entered.filter((name) => elections.find(name, 'a test').isLeader());
}

/** How many elections the instances lead, in the order of their start. */
function counts(): number[] {
  return group.instances
    .filter(({ isClosed }) => !isClosed)
    .map((each) => ledBy(each).length);
}

async function waitForCounts(...expected: number[]): Promise<void> {
  await group.waitUntil(
    () => JSON.stringify(counts()) === JSON.stringify(expected),
    { description: `the counts to be ${expected.join(', ')}` },
  );
}

/** The instance that each election is assigned to, by the name of the election. */
async function assigned(): Promise<
  Record<string, ElectionInstance | undefined>
> {
  const path = `${group.basePath}/balance/assignment`;
  const data = await group.inspect(async (zk) =>
    String((await zk.getData(path)).data),
  );
  const { elections, members, owners } = JSON.parse(data) as {
    elections: string[];
    members: string[];
    owners: number[];
  };
  const bySession = (session: string | undefined) =>
    group.instances.find(
      (each) => each.elections.session?.client.connection.sessionId === session,
    );
  return Object.fromEntries(
    elections.map((name, index) => [
      name,
      bySession(members[owners[index] ?? -1]),
    ]),
  );
}

/**
 * Waits until all elections are led as they are assigned, by equal shares, rounded
 * up or down.
 */
async function waitForBalance(): Promise<void> {
  await group.waitUntil(
    async () => {
      const led = counts();
      const total = led.reduce((sum, each) => sum + each, 0);
      const owners = await assigned().catch(() => undefined);
      return (
        total === NAMES.length &&
        Math.max(...led) - Math.min(...led) <= 1 &&
        NAMES.every((name) =>
          owners?.[name]?.elections.find(name, 'a test').isLeader(),
        )
      );
    },
    { description: 'balance' },
  );
}

/** How many terms have begun. */
function terms(): number {
  return NAMES.flatMap((name) => group.checker.of(name)).length;
}

function start(
  name: string,
  options?: InstanceOptions,
): Promise<ElectionInstance> {
  return group.join(name, options);
}

describe('Balanced elections', () => {
  it('are led by equal shares as instances join and leave, with few moves', async () => {
    const members: ElectionInstance[] = [];
    const sizes = [12, 6, 4, 3, 3, 2];
    for (const [index, size] of sizes.entries()) {
      const before = terms();
      members.push(await start(`i${index}`));
      await waitForBalance();
      expect(terms() - before).toBeLessThanOrEqual(size);
    }
    for (const member of members.slice(0, 5)) {
      const had = ledBy(member).length;
      const before = terms();
      await member.close();
      await waitForBalance();
      // Who is next in line leads at once, and may give it to the next.
      expect(terms() - before).toBeLessThanOrEqual(2 * had);
    }
    group.expectOneLeaderAtATime();
  });

  it('are spread over instances that start at once', async () => {
    await Promise.all(NAMES.slice(0, 5).map((name) => start(name)));
    await waitForBalance();
    group.expectOneLeaderAtATime();
  });

  it('are spread over instances with nativeZookeeper(), too', async () => {
    const client = nativeZookeeper();
    const [first] = await Promise.all(
      NAMES.slice(0, 3).map((name) => start(name, { client })),
    );
    await waitForBalance();
    await first?.close();
    await waitForBalance();
    group.expectOneLeaderAtATime();
  });

  it('follow the weights of the instances', async () => {
    await start('none', { weight: 0 });
    await waitForCounts(12);
    await start('one', { weight: 1 });
    await waitForCounts(0, 12);
    await start('two', { weight: 2 });
    await waitForCounts(0, 4, 8);
    group.expectOneLeaderAtATime();
  });

  it('leave the election default where it is', async () => {
    const enters = ['default', ...NAMES];
    const a = await start('a', { enters });
    const b = await start('b', { enters });
    await waitForCounts(7, 6);
    expect(a.isLeader).toBe(true);
    expect(b.isLeader).toBe(false);
    group.expectOneLeaderAtATime();
  });

  it('are assigned only to instances that take part in them', async () => {
    await start('a');
    await start('b', { enters: NAMES.slice(0, 4) });
    await waitForCounts(10, 2);
    group.expectOneLeaderAtATime();
  });

  it('say in the log who makes way for whom, and why', async () => {
    const a = await start('a');
    await start('b');
    await waitForBalance();
    const lines = group.logger.messages().join('\n');
    expect(lines).toMatch(
      /b asks "a" to make way in the election "e\d+", which is assigned to it/,
    );
    expect(lines).toMatch(
      /a makes way for "b" in the election "e\d+", which is assigned to that instance/,
    );
    expect(lines).toMatch(
      /a no longer leads the election "e\d+" \(unassigned\)/,
    );
    expect(ledBy(a)).toHaveLength(6);
  });
});

it('A move waits until the tasks of the former leader have ended', async () => {
  const a = await start('a');
  let end = (): void => undefined;
  const drained = new Promise<void>((resolve) => (end = resolve));
  a.elections.addDrain(() => drained);
  await start('b');
  await waitForCounts(6, 0);
  end();
  await waitForCounts(6, 6);
  group.expectOneLeaderAtATime();
});

it('What a killed instance led is spread over the survivors', async () => {
  const victim = new ProcessInstance(INSTANCE, {
    env: {
      ENTERS: JSON.stringify(NAMES),
      OPTIONS: JSON.stringify({
        connectionString: `127.0.0.1:${group.port}`,
        basePath: group.basePath,
        instanceId: 'victim',
        balance: true,
        sessionTimeoutMs: 2_000,
      }),
    },
  });
  await group.waitUntil(async () => (await group.nodes('e11')).length === 1, {
    description: 'the victim to have joined',
  });
  await start('a');
  await start('b');
  await start('c');
  await waitForCounts(3, 3, 3);
  await victim.kill();
  await waitForCounts(4, 4, 4);
  group.expectOneLeaderAtATime();
});

describe('An instance with a higher priority', () => {
  it('leads all balanced elections, until a second one shares them', async () => {
    await start('old-a', { priority: 1 });
    await start('old-b', { priority: 1 });
    await waitForCounts(6, 6);
    await start('new-a', { priority: 2 });
    await waitForCounts(0, 0, 12);
    const last = await start('new-b', { priority: 2 });
    await waitForCounts(0, 0, 6, 6);
    await last.close();
    await waitForCounts(0, 0, 12);
    group.expectOneLeaderAtATime();
  });
});

describe('An instance without the option', () => {
  it('leads what it led, and others balance the rest', async () => {
    await start('a');
    const old = await start('old', { balance: false });
    await start('b');
    // Who makes no way stands between them.
    await group.waitUntil(async () => (await group.nodes('e0')).length === 3, {
      description: 'all to queue',
    });
    expect(counts()).toEqual([12, 0, 0]);
    await old.close();
    await waitForCounts(6, 6);
    group.expectOneLeaderAtATime();
  });

  it('keeps its elections for as long as it runs', async () => {
    const old = await start('old', { balance: false });
    await start('a');
    await start('b');
    await waitForCounts(12, 0, 0);
    await old.close();
    await waitForCounts(6, 6);
    group.expectOneLeaderAtATime();
  });
});

it('An assignment that changes faster than leadership moves leaves one leader', async () => {
  await start('a');
  await start('b');
  await start('c');
  await waitForBalance();
  const path = `${group.basePath}/balance/assignment`;
  for (let round = 0; round < 30; round += 1) {
    await group.inspect(async (zk) => {
      const { data } = await zk.getData(path);
      const assignment = JSON.parse(String(data)) as { owners: number[] };
      const owners = assignment.owners.map((owner) => (owner + 1) % 3);
      await zk.setData(path, JSON.stringify({ ...assignment, owners }));
    });
  }
  await waitForBalance();
  group.expectOneLeaderAtATime();
});

it('An assignment to an instance that is gone leaves the order as it is', async () => {
  const a = await start('a');
  await start('b');
  await waitForBalance();
  const path = `${group.basePath}/balance/assignment`;
  const before = terms();
  await group.inspect(async (zk) => {
    const { data } = await zk.getData(path);
    const assignment = JSON.parse(String(data)) as { members: string[] };
    const members = assignment.members.map(() => 'abc');
    await zk.setData(path, JSON.stringify({ ...assignment, members }));
  });
  // The coordinator finds out, and writes another one.
  await waitForBalance();
  expect(terms()).toBe(before);
  expect(ledBy(a)).toHaveLength(6);
  group.expectOneLeaderAtATime();
});

it('A lost assignment moves nothing', async () => {
  await start('a');
  await start('b');
  await start('c');
  await waitForCounts(4, 4, 4);
  const before = terms();
  const path = `${group.basePath}/balance/assignment`;
  const read = (): Promise<string> =>
    group.inspect(async (zk) => String((await zk.getData(path)).data));
  for (const data of ['nonsense', '{"version":1}', undefined]) {
    await group.inspect<unknown>((zk) =>
      data === undefined ? zk.delete(path) : zk.setData(path, data),
    );
    await group.waitUntil(
      async () => (await read().catch(() => '')).includes('"elections"'),
      { description: 'another assignment' },
    );
  }
  expect(terms()).toBe(before);
  expect(counts()).toEqual([4, 4, 4]);
  group.expectOneLeaderAtATime();
});
