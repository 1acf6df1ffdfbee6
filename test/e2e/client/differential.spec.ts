import { afterAll, beforeAll, expect, it } from '@jest/globals';
import * as fc from '../../support/fast-check.js';
import { parentOf } from '../../../lib/zookeeper/ensure-path.js';
import type {
  CreateMode,
  ZookeeperClient,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';
import { CLIENTS, connected } from './test-clients.js';

// The client of the npm package `zookeeper` is the oracle for our own.

let server: ZookeeperServer;
let clients: ZookeeperClient[];

beforeAll(async () => {
  server = await ZookeeperServer.start();
  clients = await Promise.all(
    Object.values(CLIENTS).map((newClient) =>
      connected(newClient({ ports: [server.port], sessionTimeoutMs: 20_000 })),
    ),
  );
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.close();
});

type Step =
  | { do: 'create'; path: string; data: string; mode: CreateMode }
  | { do: 'set'; path: string; data: string; version: number }
  | { do: 'delete'; path: string; version: number }
  | { do: 'get' | 'getChildren'; path: string; watch: boolean }
  | { do: 'sync'; path: string };

// Well-formed ones: of others the native client says so without asking.
const path = fc.constantFrom('', '/a', '/b', '/a/c', '/b/ä');
const data = fc.constantFrom('', 'x', 'ä€😀', 'y'.repeat(2_000));
const version = fc.constantFrom(-1, 0, 1, 2);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    path,
    data,
    mode: fc.constantFrom(
      'persistent',
      'ephemeral',
      'container',
      'ephemeral-sequential',
    ),
  }),
  fc.record({ do: fc.constant('set' as const), path, data, version }),
  fc.record({ do: fc.constant('delete' as const), path, version }),
  fc.record({
    do: fc.constantFrom('get' as const, 'getChildren' as const),
    path,
    watch: fc.boolean(),
  }),
  fc.record({ do: fc.constant('sync' as const), path }),
);

interface Replay {
  readonly outcomes: unknown[];
  readonly told: string[];
}

/** What a client says to each step of a history, and what it tells meanwhile. */
async function replay(
  client: ZookeeperClient,
  base: string,
  turns: readonly Step[][],
): Promise<Replay> {
  const told: string[] = [];
  const outcomes: unknown[] = [];
  // A parent of its own, because it numbers sequential nodes.
  await client.create(parentOf(base), '', 'persistent');
  await client.create(base, '', 'persistent');
  for (const steps of turns) {
    // The requests of a turn travel together.
    const calls = steps.map((each, index) => {
      const at = base + each.path;
      const watcher = (event: string): void =>
        void told.push(`${index} ${each.path} ${event}`);
      switch (each.do) {
        case 'create':
          return client.create(at, each.data, each.mode);
        case 'set':
          return client.set(at, each.data, each.version);
        case 'delete':
          return client.delete(at, each.version);
        case 'sync':
          return client.sync(at);
        default:
          return client[each.do](at, each.watch ? watcher : undefined);
      }
    });
    for (const result of await Promise.allSettled(calls)) {
      outcomes.push(
        result.status === 'fulfilled'
          ? comparable(result.value, base)
          : (result.reason as { code: string }).code,
      );
    }
  }
  await client.sync(base);
  return { outcomes, told };
}

/** Without what differs between two sessions at two times. */
function comparable(value: unknown, base: string): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (key, each: unknown) => {
      if (/zxid$|AtMs$|^childVersion|^aclVersion|^dataLength/.test(key)) {
        return undefined;
      }
      if (key === 'ephemeralOwner') {
        return each === '0' || String(each).startsWith('8000');
      }
      if (key === 'children') {
        return (each as string[]).toSorted();
      }
      return typeof each === 'string' ? each.replace(base, '') : each;
    }),
  ) as unknown;
}

it('both clients answer the same histories in the same way', async () => {
  let count = 0;
  const turns = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(turns, async (history) => {
      count += 1;
      const [ours, theirs] = (await Promise.all(
        clients.map((client, index) =>
          replay(client, `/diff-${process.pid}-${count}-${index}/n`, history),
        ),
      )) as [Replay, Replay];
      expect(ours).toEqual(theirs);
    }),
    { numRuns: 150 },
  );
});
