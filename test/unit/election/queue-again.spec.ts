import { afterEach, describe, expect, it } from '@jest/globals';
import type { Logger } from '@nestjs/common';
import { BehaviorSubject } from 'rxjs';
import { ElectionQueue } from '../../../lib/election/election-queue.js';
import { ElectionReporter } from '../../../lib/election/election-reporter.js';
import { ElectionRecipe } from '../../../lib/election/election-recipe.js';
import { LeadershipState } from '../../../lib/election/leadership-state.js';
import type {
  LeadershipTerm,
  Participant,
} from '../../../lib/election/leadership.interface.js';
import { LastingProblem } from '../../../lib/lasting-problem.js';
import { SessionLease } from '../../../lib/session/session-lease.js';
import { systemClock } from '../../../lib/clock.js';
import type {
  ChildList,
  Connection,
  NodeContent,
  NodeEvent,
  NodeStat,
  NodeWatcher,
  ZookeeperClient,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';
import {
  ZookeeperError,
  type ZookeeperErrorCode,
} from '../../../lib/zookeeper/zookeeper.error.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { waitFor } from '../../support/wait-for.js';

// A leader that resigns deletes its node, and then sends a creation and a listing
// together. Here each of them ends in each way, also in combinations that no server
// brings about.

const OUTCOMES = [
  'answered',
  'answer lost',
  'request lost',
  'refused',
] as const;
type Outcome = (typeof OUTCOMES)[number];
type Operation = 'delete' | 'create' | 'getChildren';

const SESSION = 'a';
const SESSION_TIMEOUT_MS = 1_200;
const OTHER_SESSION = 'b';
const PATH = '/base/elections/default';

interface TreeNode {
  readonly data: string;
  readonly stat: NodeStat;
}

/** An election on a server, as one client sees it. */
class OneElection {
  readonly nodes = new Map<string, TreeNode>();
  /** What becomes of the next request of an operation. */
  readonly outcomes = new Map<Operation, Outcome>();
  readonly created: string[] = [];
  readonly asked: Operation[] = [];
  /** What a server that lags behind lists, until it has committed something. */
  stale: string[] | undefined;
  refusalOfCreate: 'NO_AUTH' | 'NO_NODE' = 'NO_AUTH';
  /** For good. */
  isDeletionForbidden = false;
  /** The session on the next connection. */
  nextSession = SESSION;
  sessionsGivenUp = 0;
  readonly connection$ = new BehaviorSubject<Connection>({
    state: 'connected',
    epoch: 1,
    sessionId: SESSION,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
  });
  readonly client: ZookeeperClient;
  readonly #watchers = new Map<string, Set<NodeWatcher>>();
  #zxid = 100;
  #sequence = 0;

  /** @param losesConnections with an answer; else the requests time out */
  constructor(private readonly losesConnections: boolean) {
    const { connection$ } = this;
    const client: Partial<ZookeeperClient> = {
      get connection() {
        return connection$.value;
      },
      connection$,
      create: async (path, data, mode) => {
        if (mode !== 'ephemeral-sequential') {
          throw failure('NODE_EXISTS');
        }
        return this.#ask('create', () => {
          const { sessionId = '' } = connection$.value;
          const name = this.join(nameOf(path), data, sessionId);
          this.created.push(name);
          return `${PATH}/${name}`;
        });
      },
      delete: (path) => this.#ask('delete', () => this.remove(nameOf(path))),
      getChildren: () =>
        this.#ask('getChildren', (): ChildList => {
          const pzxid = this.#zxid;
          const stat = { pzxid } as NodeStat;
          return { children: this.stale ?? [...this.nodes.keys()], stat };
        }),
      get: async (path, watcher) => {
        const node = this.#node(nameOf(path));
        if (watcher) {
          this.#watchersOf(nameOf(path)).add(watcher);
        }
        return node satisfies NodeContent;
      },
      set: async (path, data) => {
        const { stat } = this.#node(nameOf(path));
        this.put(nameOf(path), data, stat.ephemeralOwner, stat.czxid);
        return stat;
      },
      sync: async () => undefined,
      replaceSession: async () => {
        this.sessionsGivenUp += 1;
      },
      unwatch: (path, watcher) => {
        this.#watchersOf(nameOf(path)).delete(watcher);
      },
    };
    this.client = client as ZookeeperClient;
  }

  get ofOurs(): string[] {
    return [...this.nodes].flatMap(([name, { stat }]) =>
      stat.ephemeralOwner === OTHER_SESSION ? [] : [name],
    );
  }

  join(prefix: string, data: string, owner: string): string {
    const name = `${prefix}${String(++this.#sequence).padStart(10, '0')}`;
    this.put(name, data, owner);
    return name;
  }

  put(name: string, data: string, owner: string, czxid = ++this.#zxid): void {
    const stat = { czxid, ephemeralOwner: owner, createdAtMs: 0, version: 0 };
    this.nodes.set(name, { data, stat: stat as NodeStat });
    this.#fire(name, 'changed');
  }

  remove(name: string): void {
    this.#node(name);
    this.#zxid += 1;
    this.nodes.delete(name);
    this.#fire(name, 'deleted');
  }

  async #ask<T>(operation: Operation, commit: () => T): Promise<T> {
    const outcome = this.outcomes.get(operation) ?? 'answered';
    this.outcomes.delete(operation);
    if (this.connection$.value.state !== 'connected') {
      throw failure('CONNECTION_LOSS');
    }
    this.asked.push(operation);
    const isForbidden = operation === 'delete' && this.isDeletionForbidden;
    if (outcome === 'refused' || isForbidden) {
      throw failure(operation === 'create' ? this.refusalOfCreate : 'NO_AUTH');
    }
    if (outcome === 'answered') {
      if (operation !== 'getChildren') {
        this.stale = undefined;
      }
      return commit();
    }
    if (outcome === 'answer lost') {
      commit();
    }
    // When all that was sent in this turn has come as far as it comes.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    if (!this.losesConnections) {
      throw failure('TIMEOUT');
    }
    this.#cut();
    throw failure('CONNECTION_LOSS');
  }

  #cut(): void {
    const { value } = this.connection$;
    if (value.state === 'connected') {
      this.#watchers.clear();
      this.connection$.next({ ...value, state: 'suspended' });
      setImmediate(() => this.#reconnect());
    }
  }

  /** The same session, or another one, on a new connection. */
  #reconnect(): void {
    const { epoch, sessionId: former } = this.connection$.value;
    const sessionId = this.nextSession;
    if (sessionId !== former) {
      this.connection$.next({ state: 'lost', epoch });
      this.ofOurs.forEach((name) => this.nodes.delete(name));
    }
    this.connection$.next({
      state: 'connected',
      epoch: epoch + 1,
      sessionId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
    });
  }

  #node(name: string): TreeNode {
    const node = this.nodes.get(name);
    if (!node) {
      throw failure('NO_NODE');
    }
    return node;
  }

  #watchersOf(name: string): Set<NodeWatcher> {
    const watchers = this.#watchers.get(name) ?? new Set();
    this.#watchers.set(name, watchers);
    return watchers;
  }

  #fire(name: string, event: NodeEvent): void {
    const watchers = [...this.#watchersOf(name)];
    this.#watchers.delete(name);
    for (const watcher of watchers) {
      queueMicrotask(() => watcher(event));
    }
  }
}

function nameOf(path: string): string {
  return path.slice(PATH.length + 1);
}

function failure(code: ZookeeperErrorCode): ZookeeperError {
  return new ZookeeperError(code, code);
}

function termOf({ current }: LeadershipState): LeadershipTerm {
  if (current.role !== 'leader') {
    throw new Error('it does not lead');
  }
  return current.term;
}

/** Whom a follower follows. */
function leaderOf({ current }: LeadershipState): Participant | undefined {
  return current.role === 'follower' ? current.leader : undefined;
}

const opened: { end(): void }[] = [];
afterEach(() => {
  opened.splice(0).forEach(({ end }) => end());
});

/** This instance leads, and another one is next. */
async function leading(losesConnections = true) {
  const server = new OneElection(losesConnections);
  const { client } = server;
  const identity = { instanceId: 'A', host: 'h', pid: 1 };
  const state = new LeadershipState('default', 'A', 'withdrawn');
  const queue = new ElectionQueue(client, PATH, identity);
  const recipe = new ElectionRecipe(
    {
      name: 'default',
      client,
      lease: new SessionLease({
        client,
        clock: systemClock,
        requestedSessionTimeoutMs: SESSION_TIMEOUT_MS,
        maxStallMs: 30_000,
        writeHeartbeat: () => Promise.resolve(),
      }),
      connectionLossPolicy: 'hold-lease',
      isEnabled: true,
      priority: 0,
      favourite$: undefined,
      drain: () => Promise.resolve(),
      reporter: new ElectionReporter(
        new MemoryLogger() as unknown as Logger,
        'A',
        'default',
        '/election',
        new LastingProblem(),
      ),
    },
    queue,
    state,
  );
  opened.push({ end: () => server.connection$.complete() });
  recipe.enter();
  await waitFor(() => state.isLeading && server.outcomes.size === 0, {
    description: 'A to lead',
  });
  const next = server.join('b-n_', '{"instanceId":"B"}', OTHER_SESSION);
  const [former = ''] = server.ofOurs;
  const { fencingToken } = termOf(state);
  return { server, state, recipe, former, next, fencingToken };
}

const PAIRS = OUTCOMES.flatMap((left) =>
  OUTCOMES.map((joined) => [left, joined] as const),
);

describe.each(PAIRS)(
  'a leader that resigns, its deletion %s and its creation %s,',
  (left, joined) => {
    const rest = OUTCOMES.flatMap((listed) =>
      [true, false].map((losesConnections) => ({ listed, losesConnections })),
    );

    async function resigning(listed: Outcome, losesConnections: boolean) {
      const instance = await leading(losesConnections);
      const { outcomes } = instance.server;
      outcomes.set('delete', left);
      outcomes.set('create', joined);
      outcomes.set('getChildren', listed);
      return { ...instance, resigned: instance.recipe.resign() };
    }

    it('has one entry again, behind the next leader, and leads on no other', async () => {
      await Promise.all(
        rest.map(async ({ listed, losesConnections }) => {
          const instance = await resigning(listed, losesConnections);
          const { server, state, former, next } = instance;
          const asked = server.asked.length;
          const roles: string[] = [];
          state.changes$.subscribe(({ role }) => roles.push(role));
          await instance.resigned;
          await waitFor(() => server.ofOurs.length === 1 && leaderOf(state), {
            description: `one entry, the listing ${listed}`,
          });
          expect(leaderOf(state)?.instanceId).toBe('B');
          expect(new Set(roles)).toEqual(new Set(['follower']));
          expect(server.ofOurs).not.toContain(former);
          const first = ['delete', 'create', 'getChildren'];
          const sent = left === 'answered' ? first : first.slice(0, 1);
          expect(server.asked.slice(asked, asked + sent.length)).toEqual(sent);
          expect(server.created.length).toBeLessThanOrEqual(2);

          server.remove(next);
          await waitFor(() => state.isLeading, { description: 'A to lead' });
          expect(server.ofOurs).toEqual(server.created.slice(-1));
          expect(termOf(state).fencingToken).toBeGreaterThan(
            instance.fencingToken,
          );
        }),
      );
    });

    it('leaves nothing behind when it withdraws meanwhile', async () => {
      await Promise.all(
        rest.map(async ({ listed, losesConnections }) => {
          const { server, state, recipe, resigned } = await resigning(
            listed,
            losesConnections,
          );
          await waitFor(() => !server.outcomes.has('delete'), {
            description: 'the requests to be sent',
          });
          await Promise.all([resigned, recipe.withdraw()]);
          await waitFor(() => server.ofOurs.length === 0, {
            description: `no entry, the listing ${listed}`,
          });
          expect(state.current.role).toBe('idle');
        }),
      );
    });
  },
);

describe('a leader that resigns', () => {
  async function expectOneEntryBehind(
    next: string,
    { server, state }: Awaited<ReturnType<typeof leading>>,
  ): Promise<void> {
    await waitFor(() => leaderOf(state) && server.ofOurs.length === 1 && next, {
      description: 'one entry',
    });
    expect([...server.nodes.keys()]).toEqual([next, ...server.ofOurs]);
    expect(leaderOf(state)?.instanceId).toBe('B');
  }

  it('has one entry again, although an operator removes the one that it had', async () => {
    const instance = await leading();
    const { server, recipe, former, next } = instance;
    const resigned = recipe.resign();
    server.remove(former);
    await resigned;
    await expectOneEntryBehind(next, instance);
  });

  it('has one entry again, although the node of the election is missing', async () => {
    const instance = await leading();
    const { server, recipe, next } = instance;
    server.refusalOfCreate = 'NO_NODE';
    server.outcomes.set('create', 'refused');
    await recipe.resign();
    await expectOneEntryBehind(next, instance);
  });

  it.each(['answer lost', 'request lost'] as const)(
    'has one entry again, on the session that comes instead (%s)',
    async (outcome) => {
      const instance = await leading();
      const { server, recipe, next } = instance;
      server.nextSession = 'c';
      server.outcomes.set('delete', outcome);
      server.outcomes.set('create', outcome);
      server.outcomes.set('getChildren', outcome);
      await recipe.resign();
      await waitFor(() => server.connection$.value.sessionId === 'c', {
        description: 'the other session',
      });
      await expectOneEntryBehind(next, instance);
      const [own = ''] = server.ofOurs;
      expect(server.nodes.get(own)?.stat.ephemeralOwner).toBe('c');
    },
  );

  it('leaves nothing behind on a server that lags behind, although it says that it does not', async () => {
    const { server, recipe } = await leading();
    const stale = [...server.nodes.keys()];
    server.outcomes.set('create', 'answer lost');
    server.outcomes.set('getChildren', 'answer lost');
    const withdrawn = new Promise<void>((resolve) => {
      server.connection$.subscribe(({ state }) => {
        if (state === 'suspended') {
          server.stale = stale;
          resolve(recipe.withdraw());
        }
      });
    });
    await Promise.all([recipe.resign(), withdrawn]);
    expect(server.created).toHaveLength(2);
    await waitFor(() => server.ofOurs.length === 0, {
      description: 'no entry',
    });
  });

  it('gives its session up if its entry cannot be removed, and adds no other', async () => {
    const { server, recipe, former } = await leading();
    server.isDeletionForbidden = true;
    void recipe.resign();
    await waitFor(() => server.sessionsGivenUp > 0, {
      description: 'the session to be given up',
    });
    expect(server.ofOurs).toEqual([former]);
    expect(server.created).toEqual([former]);
  });
});
