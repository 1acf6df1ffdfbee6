import { describe, expect, it } from '@jest/globals';
import * as fc from '../../support/fast-check.js';
import { FrameSplitter } from '../../../lib/zookeeper/codec/frame-splitter.js';
import { JuteReader } from '../../../lib/zookeeper/codec/jute-reader.js';
import { JuteWriter } from '../../../lib/zookeeper/codec/jute-writer.js';
import { Xids } from '../../../lib/zookeeper/codec/xids.js';
import { RECORDS } from './codec-records.js';

const LONGEST_FRAME = 1_000_000;

/** The bodies of the frames in `chunks`. */
function split(chunks: readonly Buffer[]): Buffer[] {
  const frames: Buffer[] = [];
  const splitter = new FrameSplitter(LONGEST_FRAME, (reader) => {
    frames.push(Buffer.from(reader.raw(reader.remaining)));
  });
  for (const chunk of chunks) {
    splitter.push(chunk);
  }
  return frames;
}

/** False if `act` throws anything but a RangeError. */
function isReadOrRefused(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    return error instanceof RangeError;
  }
}

describe.each(Object.entries(RECORDS))('the record %s', (_, entry) => {
  const { record, values } = entry;
  const encode = (value: unknown): Buffer => {
    const writer = new JuteWriter();
    record.write(writer, value as never);
    return Buffer.from(writer.bytes);
  };

  it('reads what it has written, to the last byte', () => {
    fc.assert(
      fc.property(values, (value) => {
        const reader = new JuteReader(encode(value));
        expect(record.read(reader)).toEqual(value);
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  it('never reads beyond the end of a frame that was cut off', () => {
    fc.assert(
      fc.property(values, (value) => {
        const bytes = encode(value);
        for (let length = 0; length < bytes.length; length++) {
          // What lies behind the frame in the same buffer belongs to others.
          const reader = new JuteReader().use(bytes, 0, length);
          expect(isReadOrRefused(() => record.read(reader))).toBe(true);
          expect(reader.remaining).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('refuses arbitrary bytes with a RangeError, or reads them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const reader = new JuteReader(Buffer.from(bytes));
        expect(isReadOrRefused(() => record.read(reader))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('numbers of 64 bits', () => {
  it.each([0, 1, -1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1)])(
    'are exact: %d',
    (value) => {
      const { bytes } = new JuteWriter().long(value);
      expect(bytes.readBigInt64BE()).toBe(BigInt(value));
      expect(new JuteReader(bytes).long()).toBe(value);
    },
  );

  it.each([2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n])(
    'are refused where they would be rounded: %d',
    (value) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(value);
      expect(() => new JuteReader(bytes).long()).toThrow(
        `the number ${value} is beyond 2^53`,
      );
      expect(() => new JuteWriter().long(Number(value))).toThrow(RangeError);
    },
  );
});

describe('null and empty', () => {
  it('are different as data', () => {
    const { bytes } = new JuteWriter().buffer(null).buffer('');
    const reader = new JuteReader(bytes);
    expect(reader.buffer()).toBeNull();
    expect(reader.buffer()).toHaveLength(0);
  });

  it('are the same as text', () => {
    const { bytes } = new JuteWriter().buffer(null).text('');
    const reader = new JuteReader(bytes);
    expect([reader.text(), reader.text()]).toEqual(['', '']);
  });
});

describe('a list that claims to be longer than its frame', () => {
  it('is refused before anything is read', () => {
    const { bytes } = new JuteWriter().int(2 ** 31 - 1).text('one');
    expect(() => new JuteReader(bytes).list((from) => from.text(), 4)).toThrow(
      'a list of 2147483647 items in 7 bytes',
    );
  });
});

describe('the writer', () => {
  it('puts the frames of a turn into one buffer and uses it again', () => {
    const writer = new JuteWriter();
    writer.begin().text('one').end().begin().int(2).end();
    expect(split([Buffer.from(writer.bytes)])).toHaveLength(2);
    const { buffer } = writer.bytes;
    writer.clear();
    expect(writer.length).toBe(0);
    expect(writer.int(1).bytes.buffer).toBe(buffer);
  });

  it('does not touch again what it has given away', () => {
    const writer = new JuteWriter();
    const given = writer.int(1).give();
    writer.int(2);
    expect(given.readInt32BE()).toBe(1);
    expect(writer.bytes.readInt32BE()).toBe(2);
  });

  it('grows, and lets a buffer go that has become very long', () => {
    const writer = new JuteWriter();
    const text = 'ä'.repeat(300_000);
    expect(new JuteReader(writer.text(text).bytes).text()).toBe(text);
    writer.clear();
    expect(writer.bytes.buffer.byteLength).toBeLessThan(100_000);
  });
});

describe('the frame splitter', () => {
  const bodies = ['', 'a', 'bc', 'x'.repeat(300), ''].map((text) =>
    Buffer.from(text),
  );
  const writer = new JuteWriter();
  for (const body of bodies) {
    writer.begin().raw(body).end();
  }
  const stream = Buffer.from(writer.bytes);

  it('finds the frames wherever the stream is cut in two', () => {
    for (let at = 0; at <= stream.length; at++) {
      const chunks = [stream.subarray(0, at), stream.subarray(at)];
      expect(split(chunks)).toEqual(bodies);
    }
  });

  it('finds the frames when each byte comes alone', () => {
    expect(split([...stream].map((byte) => Buffer.of(byte)))).toEqual(bodies);
  });

  it('finds the frames in any pieces, each of which is overwritten', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 });
    fc.assert(
      fc.property(cuts, (lengths) => {
        const frames: Buffer[] = [];
        const splitter = new FrameSplitter(LONGEST_FRAME, (reader) => {
          frames.push(Buffer.from(reader.raw(reader.remaining)));
        });
        const shared = Buffer.alloc(200);
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const end = at + (lengths[turn % lengths.length] as number);
          const length = stream.copy(shared, 0, at, end);
          splitter.push(shared.subarray(0, length));
          at += length;
        }
        expect(frames).toEqual(bodies);
      }),
    );
  });

  it('does not copy a frame that came whole', () => {
    const buffers: unknown[] = [];
    new FrameSplitter(LONGEST_FRAME, (reader) => {
      buffers.push(reader.raw(reader.remaining).buffer);
    }).push(stream);
    expect(new Set(buffers)).toEqual(new Set([stream.buffer]));
  });

  it.each([-1, LONGEST_FRAME + 1, -(2 ** 31), 2 ** 31 - 1])(
    'refuses a frame of %d bytes, in one piece and in several',
    (length) => {
      const { bytes } = new JuteWriter().int(length).int(0);
      expect(() => split([bytes])).toThrow(`a frame of ${length} bytes`);
      expect(() => split([...bytes].map((byte) => Buffer.of(byte)))).toThrow(
        `a frame of ${length} bytes`,
      );
      expect(() => split([bytes.subarray(0, 4)])).toThrow(RangeError);
    },
  );

  it('reports nothing more once it is stopped', () => {
    let count = 0;
    const splitter = new FrameSplitter(LONGEST_FRAME, () => {
      count += 1;
      splitter.stop();
    });
    splitter.push(stream);
    splitter.push(stream);
    expect(count).toBe(1);
  });

  it('bears random streams: a frame, a RangeError or nothing yet', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 30 }), {
      maxLength: 10,
    });
    fc.assert(
      fc.property(chunks, (pieces) => {
        const buffers = pieces.map((piece) => Buffer.from(piece));
        expect(isReadOrRefused(() => split(buffers))).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('request numbers', () => {
  it('begin with 1, and again after the largest, in reach of 31 bits', () => {
    expect(new Xids().next()).toBe(1);
    const xids = new Xids(2 ** 31 - 4);
    expect([xids.next(), xids.next(), xids.next(), xids.next()]).toEqual([
      2 ** 31 - 3,
      2 ** 31 - 2,
      1,
      2,
    ]);
  });
});
