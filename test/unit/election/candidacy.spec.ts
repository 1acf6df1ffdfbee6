import { expect, it } from '@jest/globals';
import { BehaviorSubject } from 'rxjs';
import { Candidacy } from '../../../lib/election/candidacy.js';
import { ElectionQueue } from '../../../lib/election/election-queue.js';
import { nodePrefix } from '../../../lib/election/election-node.js';
import type { SessionLease } from '../../../lib/session/session-lease.js';
import type {
  Connection,
  ZookeeperClient,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { ZookeeperError } from '../../../lib/zookeeper/zookeeper.error.js';

const CONNECTED: Connection = {
  state: 'connected',
  epoch: 1,
  sessionId: 'a',
  sessionTimeoutMs: 6_000,
};

/** A client of which `respond` makes the answers, and a candidacy through it. */
function candidacyWith(
  respond: (
    operation: string,
    connection$: BehaviorSubject<Connection>,
  ) => Promise<unknown>,
) {
  const connection$ = new BehaviorSubject(CONNECTED);
  const requests: string[] = [];
  const request = (operation: string) => (): Promise<never> => {
    requests.push(operation);
    return respond(operation, connection$) as Promise<never>;
  };
  const client: Partial<ZookeeperClient> = {
    get connection() {
      return connection$.value;
    },
    create: request('create'),
    getChildren: request('getChildren'),
    sync: request('sync'),
    unwatch: () => undefined,
  };
  const candidacy = candidacyOf(client as ZookeeperClient, '/new/path');
  return { candidacy, requests };
}

function candidacyOf(client: ZookeeperClient, path: string): Candidacy {
  const queue = new ElectionQueue(client, path, {
    instanceId: 'i',
    host: 'h',
    pid: 1,
  });
  return new Candidacy({
    client,
    lease: {
      now: () => ({ monotonicNs: 0n, wallMs: 0 }),
      extend: () => undefined,
    } as unknown as SessionLease,
    queue,
    sessionId: 'a',
    prefix: nodePrefix('uuid'),
    strays: new Set(),
    onChange: () => undefined,
    onGone: () => undefined,
  });
}

function failure(code: ZookeeperError['code']): Promise<never> {
  return Promise.reject(new ZookeeperError(code, code));
}

it('asks for nothing on a session that has come instead of its own', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): number => unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    const { candidacy, requests } = candidacyWith((operation, connection$) => {
      if (operation === 'getChildren') {
        // The session is lost while the answers are on their way.
        connection$.next({ state: 'lost', epoch: 1 });
      }
      return failure('NO_NODE');
    });
    await expect(candidacy.look(1)).rejects.toMatchObject({
      code: 'SESSION_EXPIRED',
    });
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(requests).toEqual(['create', 'getChildren']);
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', note);
  }
});

it('takes no listing for complete whose sync has failed', async () => {
  let isSyncRefused = true;
  const { candidacy, requests } = candidacyWith((operation) => {
    if (operation === 'create') {
      // Its outcome is unknown: the node has to be looked for.
      return failure('CONNECTION_LOSS');
    }
    if (operation === 'sync' && isSyncRefused) {
      return failure('TIMEOUT');
    }
    return Promise.resolve({
      children: ['uuid-n_0000000001'],
      stat: { pzxid: 1 },
    });
  });
  await expect(candidacy.look(1)).rejects.toThrow('CONNECTION_LOSS');
  await expect(candidacy.look(1)).rejects.toThrow('TIMEOUT');
  expect(candidacy.view).toBeUndefined();
  isSyncRefused = false;
  requests.length = 0;
  await candidacy.look(1);
  expect(requests).toEqual(['sync', 'getChildren']);
  expect(candidacy.view?.ahead).toEqual([]);
});

it('creates the node of an election with its entry, after one that was new', async () => {
  const nodes = new Set(['/new']);
  const requests: string[] = [];
  const client = {
    connection: CONNECTED,
    create: (path: string, _data: string, mode: string) => {
      requests.push(`create ${mode}`);
      const parent = path.slice(0, path.lastIndexOf('/')) || '/';
      if (parent !== '/' && !nodes.has(parent)) {
        return failure('NO_NODE');
      }
      if (nodes.has(path)) {
        return failure('NODE_EXISTS');
      }
      nodes.add(path);
      return Promise.resolve(mode === 'container' ? path : `${path}0000000001`);
    },
    getChildren: () => {
      requests.push('getChildren');
      return Promise.resolve({
        children: ['uuid-n_0000000001'],
        stat: { pzxid: 1 },
      });
    },
    unwatch: () => undefined,
  } as unknown as ZookeeperClient;
  const look = async (path: string): Promise<string[]> => {
    requests.length = 0;
    await candidacyOf(client, path).look(1);
    return [...requests];
  };
  const entry = ['create ephemeral-sequential', 'getChildren'];
  nodes.add('/new/there');
  expect(await look('/new/there')).toEqual(entry);
  expect((await look('/new/a')).slice(0, 2)).toEqual(entry);
  expect(await look('/new/b')).toEqual(['create container', ...entry]);
  nodes.add('/new/c');
  expect(await look('/new/c')).toEqual(['create container', ...entry]);
  nodes.add('/new/d');
  expect(await look('/new/d')).toEqual(entry);
});
