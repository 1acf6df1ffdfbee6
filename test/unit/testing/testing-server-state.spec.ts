import { describe, expect, it } from '@jest/globals';
import { Identities } from '../../../lib/testing/server/access.js';
import {
  JavaHashSet,
  javaHash,
} from '../../../lib/testing/server/java-hash-set.js';
import { sequenceNumber } from '../../../lib/testing/server/paths.js';
import type { Peer } from '../../../lib/testing/server/reads.js';
import { RELEASES } from '../../../lib/testing/server/release.js';
import { ServerState } from '../../../lib/testing/server/server-state.js';
import { SessionTable } from '../../../lib/testing/server/session-table.js';
import type { WatchNotice } from '../../../lib/testing/server/watch-table.js';
import { OPEN } from '../../../lib/zookeeper/codec/acl.record.js';
import { JuteReader } from '../../../lib/zookeeper/codec/jute-reader.js';
import { JuteWriter } from '../../../lib/zookeeper/codec/jute-writer.js';
import { EVENT_TYPES } from '../../../lib/zookeeper/codec/opcodes.js';
import { RESULT_CODES } from '../../../lib/zookeeper/codec/result-codes.js';
import { ALL_OPERATIONS } from '../../support/operations.js';

const TIMES = {
  tickTimeMs: 100,
  minSessionTimeoutMs: 200,
  maxSessionTimeoutMs: 10_000,
};

/** A client without a socket, at a time that the test sets. */
class Client implements Peer {
  readonly identities = new Identities('127.0.0.1');
  readonly notices: WatchNotice[] = [];
  readonly session: string;

  constructor(readonly state: ServerState) {
    const admission = state.connect(
      {
        protocolVersion: 0,
        lastZxidSeen: 0,
        sessionTimeoutMs: 1_000,
        sessionId: '0',
        password: Buffer.alloc(16),
        isReadOnlyAllowed: false,
      },
      0,
    );
    this.session = admission?.session ?? '';
  }

  notify(notice: WatchNotice): void {
    this.notices.push(notice);
  }

  /** The code of the answer, and what the answer says. */
  ask<Name extends keyof typeof ALL_OPERATIONS>(
    name: Name,
    request: Parameters<(typeof ALL_OPERATIONS)[Name]['request']['write']>[1],
  ): { code: number; reply?: unknown } {
    const { opcode, request: record, reply } = ALL_OPERATIONS[name];
    const writer = new JuteWriter();
    (record.write as (to: JuteWriter, value: unknown) => void)(writer, request);
    const reader = new JuteReader(writer.give());
    const answer = this.state.answer(this, opcode, reader, 0);
    answer?.body?.(writer);
    return {
      code: answer?.code ?? 0,
      ...(answer?.body && {
        reply: reply.read(new JuteReader(writer.give())),
      }),
    };
  }

  create(path: string, flags = 0): { code: number; reply?: unknown } {
    return this.ask('create', { path, data: 'x', acl: OPEN, flags });
  }
}

function newState(): ServerState {
  return new ServerState({
    ...TIMES,
    traits: RELEASES['3.9'],
    firstSession: 1n,
    secret: 'secret',
    wallClock: () => 0,
    onQuota: () => undefined,
  });
}

describe('a transaction', () => {
  it('that fails changes nothing, and tells which request has failed', () => {
    const state = newState();
    const client = new Client(state);
    client.create('/a');
    const { code, reply } = client.ask('multi', [
      { type: 'create', path: '/b', data: null, acl: OPEN, flags: 0 },
      { type: 'setData', path: '/a', data: 'y', version: -1 },
      { type: 'check', path: '/a', version: 7 },
      { type: 'delete', path: '/a', version: -1 },
    ]);
    expect(code).toBe(RESULT_CODES.ok);
    expect(reply).toEqual(
      [0, 0, RESULT_CODES.badVersion, RESULT_CODES.runtimeInconsistency].map(
        (each) => ({ type: 'error', code: each }),
      ),
    );
    expect(state.tree.get('/b')).toBeUndefined();
    expect(state.tree.get('/a')).toMatchObject({ version: 0 });
    expect(state.tree.existing('/').creations).toBe(1);
  });

  it('sees what its own requests before have done', () => {
    const state = newState();
    const client = new Client(state);
    const { reply } = client.ask('multi', [
      { type: 'create', path: '/p', data: null, acl: OPEN, flags: 0 },
      { type: 'create', path: '/p/n-', data: null, acl: OPEN, flags: 2 },
      { type: 'create', path: '/p/n-', data: null, acl: OPEN, flags: 2 },
      { type: 'delete', path: '/p/n-0000000000', version: 0 },
    ]);
    expect(reply).toEqual([
      { type: 'create', path: '/p' },
      { type: 'create', path: '/p/n-0000000000' },
      { type: 'create', path: '/p/n-0000000001' },
      { type: 'delete' },
    ]);
    expect([...state.tree.existing('/p').children]).toEqual(['n-0000000001']);
  });
});

describe('watches', () => {
  it('that are set again fire at once for what has happened since', () => {
    const state = newState();
    const client = new Client(state);
    client.create('/a');
    client.create('/gone');
    const { zxid } = state;
    client.ask('setData', { path: '/a', data: 'y', version: -1 });
    client.ask('delete', { path: '/gone', version: -1 });
    client.create('/come');
    client.ask('setWatches', {
      relativeZxid: zxid,
      data: ['/a', '/gone'],
      exist: ['/come', '/never'],
      children: ['/', '/a'],
    });
    expect(client.notices).toEqual([
      { type: EVENT_TYPES.changed, path: '/a', zxid: -1 },
      { type: EVENT_TYPES.deleted, path: '/gone', zxid: -1 },
      { type: EVENT_TYPES.created, path: '/come', zxid: -1 },
      { type: EVENT_TYPES.children, path: '/', zxid: -1 },
    ]);
    expect(state.watches.size).toBe(2);
  });

  it('fire once, and not for a connection that has ended', () => {
    const state = newState();
    const client = new Client(state);
    const other = new Client(state);
    client.create('/a');
    for (const each of [client, other]) {
      each.ask('getData', { path: '/a', watch: true });
    }
    state.watches.forget(other);
    client.ask('setData', { path: '/a', data: 'y', version: -1 });
    client.ask('setData', { path: '/a', data: 'z', version: -1 });
    expect(client.notices).toHaveLength(1);
    expect(other.notices).toEqual([]);
  });
});

describe('sessions', () => {
  it('end with the tick after their timeout, unless they are heard of', () => {
    const sessions = new SessionTable(TIMES, 1n, 'secret');
    const id = sessions.begin(sessions.granted(1), 0);
    expect(sessions.timeoutOf(id)).toBe(200);
    expect(sessions.overdue(299)).toEqual([]);
    expect(sessions.overdue(300)).toEqual([id]);
    sessions.touch(id, 250);
    expect(sessions.overdue(300)).toEqual([]);
    expect(sessions.nextExpiryMs).toBe(500);
  });

  it('are taken over with their password only', () => {
    const sessions = new SessionTable(TIMES, 1n, 'secret');
    const id = sessions.begin(1_000, 0);
    const password = sessions.passwordOf(id);
    expect(sessions.resume(id, Buffer.alloc(16), 1_000, 0)).toBe(false);
    expect(sessions.resume('2', password, 1_000, 0)).toBe(false);
    expect(sessions.resume(id, password, 400, 0)).toBe(true);
    expect(sessions.overdue(500)).toEqual([id]);
  });

  it('that expire take their ephemeral nodes with them', () => {
    const state = newState();
    const client = new Client(state);
    client.create('/e', 1);
    expect(state.expire(1_000)).toEqual([]);
    expect(state.expire(1_100)).toEqual([client.session]);
    expect(state.tree.get('/e')).toBeUndefined();
  });
});

describe('numbers and orders of Java', () => {
  it('hashes strings as Java does', () => {
    expect(javaHash('')).toBe(0);
    expect(javaHash('a')).toBe(97);
    // Known for having the least hash that there is.
    expect(javaHash('polygenelubricants')).toBe(-(2 ** 31));
  });

  it('has an order that is neither sorted nor that of insertion', () => {
    const set = new JavaHashSet(8);
    for (const name of ['b', 'n-0000000000', 'a', 'n-0000000001']) {
      set.add(name);
    }
    set.delete('a');
    set.add('a');
    // As a real server has listed them.
    expect([...set]).toEqual(['n-0000000001', 'a', 'b', 'n-0000000000']);
    expect([...JavaHashSet.cloneOf(set)]).toHaveLength(4);
  });

  it('numbers nodes with ten places, also after an overflow', () => {
    expect(sequenceNumber(42)).toBe('0000000042');
    expect(sequenceNumber(-(2 ** 31))).toBe('-2147483648');
    expect(sequenceNumber(-1)).toBe('-000000001');
  });
});
