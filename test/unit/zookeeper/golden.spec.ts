import { describe, expect, it } from '@jest/globals';
import { CREATOR_ALL, OPEN } from '../../../lib/zookeeper/codec/acl.record.js';
import { JuteReader } from '../../../lib/zookeeper/codec/jute-reader.js';
import { JuteWriter } from '../../../lib/zookeeper/codec/jute-writer.js';
import { OPERATIONS } from '../../../lib/zookeeper/codec/operations.js';
import { ALL_OPERATIONS } from '../../support/operations.js';
import { goldenFrames } from './golden/golden-exchange.js';

// What ZooKeeper's own Java client and a server of 3.8.0 said to each other:
// golden/Golden.java asked, golden/record.mjs wrote it down.

const frames = goldenFrames();
const DATA = Buffer.from('ä€😀');

function read(frame: (typeof frames)[number]): unknown {
  const { bytes, start, record } = frame;
  return record.read(new JuteReader().use(bytes, start, bytes.length));
}

function successes(name: string): typeof frames {
  return frames.filter(
    (frame) => frame.name === `reply ${name}` && frame.code === 0,
  );
}

describe('what another client and a real server have sent', () => {
  // An error has no body, except that of a transaction.
  const withRecord = frames.filter(
    ({ code, name }) => code === 0 || name === 'reply multi',
  );

  it.each(withRecord.map((frame) => [frame.name, frame] as const))(
    'is read to its last byte, and written in the same bytes: %s',
    (_, frame) => {
      const { bytes, start, record } = frame;
      const reader = new JuteReader().use(bytes, start, bytes.length);
      const value = record.read(reader);
      expect(reader.remaining).toBe(0);
      const writer = new JuteWriter();
      record.write(writer, value as never);
      expect(writer.bytes.toString('hex')).toBe(
        bytes.subarray(start).toString('hex'),
      );
    },
  );

  it('is a request and an answer of every operation', () => {
    const names = new Set(frames.map(({ name }) => name));
    const missing = [...Object.keys(ALL_OPERATIONS), 'connect']
      .flatMap((name) => [`request ${name}`, `reply ${name}`])
      .filter((name) => !names.has(name));
    expect(missing).toEqual([]);
    expect(names).toContain('event');
  });

  it('means what the client was asked for', () => {
    const requests = (name: string): unknown[] =>
      frames
        .filter((frame) => frame.name === `request ${name}`)
        .map((frame) => read(frame));
    const create = { data: DATA, acl: OPEN, flags: 0 };
    expect(requests('create')).toEqual([
      { ...create, path: '/golden' },
      {
        path: '/golden/empty',
        data: Buffer.alloc(0),
        acl: CREATOR_ALL,
        flags: 1,
      },
      { ...create, path: '/golden/none-', data: null, flags: 3 },
    ]);
    expect(requests('createContainer')).toEqual([
      { ...create, path: '/golden/box', flags: 4 },
    ]);
    expect(requests('auth')[0]).toEqual({
      scheme: 'digest',
      secret: Buffer.from('user:password'),
    });
    expect(requests('setData')[0]).toEqual({
      path: '/golden',
      data: Buffer.from('next'),
      version: 0,
    });
    expect(requests('multi')[0]).toEqual([
      { type: 'check', path: '/golden', version: 1 },
      { ...create, type: 'create', path: '/golden/multi' },
      {
        type: 'setData',
        path: '/golden/multi',
        data: Buffer.from('x'),
        version: 0,
      },
      { type: 'delete', path: '/golden/multi', version: 1 },
    ]);
    expect(requests('setWatches')).toEqual([
      {
        relativeZxid: expect.any(Number),
        data: ['/golden'],
        exist: ['/missing'],
        children: ['/golden'],
      },
    ]);
  });

  it('is read by the client as far as it needs it', () => {
    const answers = (name: keyof typeof OPERATIONS): unknown[] =>
      successes(name).map(({ bytes, start }) =>
        OPERATIONS[name].read(new JuteReader().use(bytes, start, bytes.length)),
      );
    expect(answers('create')).toEqual([
      '/golden',
      '/golden/empty',
      expect.stringMatching(/^\/golden\/none-\d{10}$/),
    ]);
    expect(answers('createContainer')).toEqual(['/golden/box']);
    expect(answers('getData')[0]).toMatchObject({
      data: 'next',
      stat: { version: 1, dataLength: 4, numChildren: 4, ephemeralOwner: '0' },
    });
    for (const name of ['getChildren2', 'getAcl', 'setData'] as const) {
      expect(answers(name)).toEqual(successes(name).map(read));
    }
    for (const name of ['delete', 'setAcl', 'sync'] as const) {
      expect(new Set(answers(name))).toEqual(new Set([undefined]));
    }
  });

  it('means what the server answered', () => {
    const replies = (name: string): unknown[] => successes(name).map(read);
    expect(replies('create')).toEqual([
      { path: '/golden' },
      { path: '/golden/empty' },
      { path: expect.stringMatching(/^\/golden\/none-\d{10}$/) },
    ]);
    expect(replies('getData')[0]).toMatchObject({
      data: Buffer.from('next'),
      stat: { version: 1, dataLength: 4, numChildren: 4, ephemeralOwner: '0' },
    });
    expect(replies('connect')[0]).toMatchObject({
      protocolVersion: 0,
      sessionTimeoutMs: 10_000,
      isReadOnly: false,
    });
    expect(replies('whoAmI')[0]).toEqual(
      expect.arrayContaining([{ scheme: 'sasl', id: 'bob' }]),
    );
    expect(replies('multi')).toMatchObject([
      [
        { type: 'check' },
        { type: 'create', path: '/golden/multi' },
        { type: 'setData', stat: { version: 1 } },
        { type: 'delete' },
      ],
      [
        { type: 'error', code: -103 },
        { type: 'error', code: -2 },
      ],
    ]);
  });
});
