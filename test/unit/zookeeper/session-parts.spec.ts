import { describe, expect, it } from '@jest/globals';
import type { JuteReader } from '../../../lib/zookeeper/codec/jute-reader.js';
import { RequestsInFlight } from '../../../lib/zookeeper/session/requests-in-flight.js';
import { ServerList } from '../../../lib/zookeeper/session/server-list.js';
import {
  connectTimeoutMs,
  retryPauseMs,
  timingOf,
} from '../../../lib/zookeeper/session/session-timing.js';
import { Xids } from '../../../lib/zookeeper/codec/xids.js';
import { Exchange } from '../../../lib/zookeeper/session/exchange.js';
import { WatchTable } from '../../../lib/zookeeper/session/watch-table.js';
import { ZookeeperError } from '../../../lib/zookeeper/zookeeper.error.js';

describe('the timing of a session', () => {
  it.each([100, 700, 2_000, 10_000, 60_000])(
    'pings three times before it gives a server up, of %d ms',
    (timeoutMs) => {
      const { tickMs, ticksToPing, ticksOfSilence, ticksToAnswer } =
        timingOf(timeoutMs);
      expect(ticksToPing * tickMs).toBeLessThanOrEqual(timeoutMs / 6);
      expect(ticksOfSilence * tickMs).toBeLessThanOrEqual(timeoutMs / 2);
      expect(ticksToPing * 3).toBeLessThanOrEqual(ticksOfSilence);
      expect(ticksToAnswer * tickMs).toBeGreaterThan(0.9 * timeoutMs);
    },
  );

  it('lets all servers be tried while the session lives', () => {
    for (const servers of [1, 3, 5, 9]) {
      const longest = connectTimeoutMs(10_000, servers, 0, 1);
      expect(servers * longest).toBeLessThan(10_000);
    }
  });

  it('gives slow servers longer, round by round, and within a bound', () => {
    const timeouts = [0, 1, 5, 1_000].map((round) =>
      connectTimeoutMs(700, 1, round, 0.5),
    );
    expect(timeouts).toEqual([140, 280, 840, 10_000]);
  });

  it('asks again soon while a session may be kept, and rarely afterwards', () => {
    expect(retryPauseMs(0, 1_000, 0)).toBe(50);
    expect(retryPauseMs(1_999, 1_000, 1)).toBe(200);
    expect(retryPauseMs(2_000, 1_000, 0)).toBe(500);
    expect(retryPauseMs(60_000, 1_000, 1)).toBe(1_000);
  });
});

describe('the list of servers', () => {
  const servers = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }));

  async function round(list: ServerList): Promise<string[]> {
    const addresses: string[] = [];
    for (;;) {
      const endpoint = await list.next(20);
      if (!endpoint) {
        return addresses;
      }
      addresses.push(endpoint.address);
    }
  }

  it('gives all addresses of all names in each round, resolved anew', async () => {
    let generation = 0;
    const list = new ServerList(servers, (name) =>
      Promise.resolve([`${name}1.${generation}`, `${name}2.${generation}`]),
    );
    const sorted = async (): Promise<string> =>
      (await round(list)).toSorted().join(' ');
    expect(await sorted()).toBe('a1.0 a2.0 b1.0 b2.0 c1.0 c2.0');
    generation = 1;
    expect(await sorted()).toBe('a1.1 a2.1 b1.1 b2.1 c1.1 c2.1');
    expect(list.failedRounds).toBe(2);
    list.succeeded({ host: 'a', address: 'a1.1', port: 1 }, 'last');
    expect(list.failedRounds).toBe(0);
  });

  it('goes on with what a name was known for while it cannot be resolved', async () => {
    let isDown = false;
    const list = new ServerList(servers, (name) =>
      isDown ? Promise.reject(new Error('down')) : Promise.resolve([name]),
    );
    await round(list);
    isDown = true;
    expect(await round(list)).toHaveLength(3);
    expect(list.takeFailures()).toContain('a:1 cannot be resolved (down)');
    expect(list.takeFailures()).toEqual([]);
  });

  it('waits for a name that nobody resolves no longer than it is told', async () => {
    const list = new ServerList(servers, (name) =>
      name === 'b' ? new Promise(() => undefined) : Promise.resolve([name]),
    );
    expect((await round(list)).toSorted()).toEqual(['a', 'c']);
    expect(list.takeFailures().join()).toMatch(/^b:1 has a name/);
  });

  it('begins or ends with the server of the connection that was lost', async () => {
    const list = new ServerList(servers, (name) => Promise.resolve([name]));
    const lost = { host: 'b', address: 'b', port: 1 };
    list.succeeded(lost, 'first');
    expect((await round(list))[0]).toBe('b');
    list.succeeded(lost, 'last');
    expect((await round(list)).at(-1)).toBe('b');
  });
});

describe('requests in flight', () => {
  function pending(
    xid: number,
    sentAt: number,
    outcomes: string[],
  ): Parameters<RequestsInFlight<JuteReader>['add']>[0] {
    return {
      xid,
      operation: 'get',
      path: '/',
      bytes: 1,
      sentAt,
      answered: (code) => void outcomes.push(`${xid} ${code}`),
      failed: ({ code }) => void outcomes.push(`${xid} ${code}`),
    };
  }
  const lost = (): ZookeeperError => new ZookeeperError('CONNECTION_LOSS', '');
  const late = (): ZookeeperError => new ZookeeperError('TIMEOUT', '');

  it('are answered in their order, and in no other', () => {
    const requests = new RequestsInFlight<JuteReader>();
    for (let xid = 1; xid <= 5_000; xid++) {
      requests.add(pending(xid, 0, []));
    }
    for (let xid = 1; xid <= 4_000; xid++) {
      expect(requests.take(xid).xid).toBe(xid);
    }
    expect(requests.size).toBe(1_000);
    expect(() => requests.take(4_002)).toThrow('where 4001 was due');
  });

  it('fail once, when they are late, and are still owed an answer', () => {
    const outcomes: string[] = [];
    const requests = new RequestsInFlight<JuteReader>();
    requests.add(pending(1, 0, outcomes));
    requests.add(pending(2, 5, outcomes));
    requests.giveUpBefore(3, late);
    requests.giveUpBefore(3, late);
    expect(outcomes).toEqual(['1 TIMEOUT']);
    expect(requests.take(1).isGivenUp).toBe(true);
    requests.clear(lost);
    expect(outcomes).toEqual(['1 TIMEOUT', '2 CONNECTION_LOSS']);
    expect(requests.size).toBe(0);
  });

  it('are bounded', () => {
    const requests = new RequestsInFlight<JuteReader>();
    requests.add({ ...pending(1, 0, []), bytes: 9 * 1024 * 1024 });
    expect(requests.isFull).toBe(true);
    requests.take(1);
    expect(requests.isFull).toBe(false);
  });
});

describe('the table of watches', () => {
  const watcher = (): void => undefined;
  const other = (): void => undefined;

  it('sets a watch when the read is answered, not before', () => {
    const table = new WatchTable();
    const awaited = table.expect('data', '/a', watcher);
    expect(table.take('changed', '/a')).toEqual([]);
    expect(table.settle(awaited, true)).toBe(false);
    expect(table.take('changed', '/a')).toEqual([watcher]);
    expect(table.take('changed', '/a')).toEqual([]);
  });

  it('reports a watch that the server has and nobody wants', () => {
    const table = new WatchTable();
    const awaited = table.expect('children', '/a', watcher);
    expect(table.forget('/a', watcher)).toEqual([]);
    expect(table.settle(awaited, true)).toBe(true);
    const failed = table.expect('children', '/a', watcher);
    table.forget('/a', watcher);
    expect(table.settle(failed, false)).toBe(false);
  });

  it('keeps a watch of which one watcher is taken back, and another awaited', () => {
    const table = new WatchTable();
    table.settle(table.expect('data', '/a', watcher), true);
    const awaited = table.expect('data', '/a', other);
    expect(table.forget('/a', watcher)).toEqual([]);
    expect(table.settle(awaited, true)).toBe(false);
    expect(table.forget('/a', other)).toEqual(['data']);
  });

  it('takes both kinds with a node that is deleted', () => {
    const table = new WatchTable();
    table.settle(table.expect('data', '/a', watcher), true);
    table.settle(table.expect('children', '/a', other), true);
    expect(table.take('deleted', '/a')).toEqual([watcher, other]);
  });
});

describe('an exchange', () => {
  it('calls no watcher that was taken back after its event had come', async () => {
    const exchange = new Exchange<string>({
      xids: new Xids(),
      ticksToAnswer: 10,
      canProve: false,
      onWatcherError: () => undefined,
    });
    const called: string[] = [];
    const watch = (name: string) => {
      const watcher = (): void => void called.push(name);
      const request = { operation: 'get', path: '/a', read: String };
      void exchange.request(
        { ...request, watch: { kind: 'data', watcher } },
        () => 0,
      );
      return watcher;
    };
    const taken = watch('taken');
    watch('kept');
    exchange.answered(1, 0, '');
    exchange.answered(2, 0, '');
    exchange.fired('changed', '/a');
    exchange.unwatch('/a', taken);
    await Promise.resolve();
    expect(called).toEqual(['kept']);
  });
});
