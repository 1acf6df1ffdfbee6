import { expect, it } from '@jest/globals';
import { FrameSplitter } from '../../../lib/zookeeper/codec/frame-splitter.js';
import type { JuteReader } from '../../../lib/zookeeper/codec/jute-reader.js';
import { JuteWriter } from '../../../lib/zookeeper/codec/jute-writer.js';
import { goldenFrames } from './golden/golden-exchange.js';

/** `npm run test:all` has a million. */
const COUNT = Number(process.env.RANDOM_FRAMES ?? 20_000);
const SEED = Number(process.env.RANDOM_FRAMES_SEED ?? Date.now() % 2 ** 31);
const LONGEST_FRAME = 1024 * 1024;
const MOST_MEMORY_BYTES = 200 * 1024 * 1024;
/** So long numbers are what attackers of parsers like. */
const ODD_INTS = [-(2 ** 31), -1, 0, 1, 2 ** 24, 2 ** 31 - 1];

/** Numbers from a seed: below `limit`. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const frames = goldenFrames();
const records = frames.map(({ record }) => record);

/** A frame that has been sent, with something changed; or none at all. */
function mutated(random: (limit: number) => number): Buffer {
  if (random(8) === 0) {
    return Buffer.from(Array.from({ length: random(120) }, () => random(256)));
  }
  const { bytes, start } = frames[random(frames.length)] as (typeof frames)[0];
  let frame = Buffer.from(bytes.subarray(start));
  for (let changes = random(4); changes >= 0; changes--) {
    const at = random(frame.length + 1);
    switch (random(5)) {
      case 0:
        frame = frame.subarray(0, at);
        break;
      case 1:
        frame = Buffer.concat([frame.subarray(0, at), frame]);
        break;
      case 2:
        if (at + 4 <= frame.length) {
          frame.writeInt32BE(ODD_INTS[random(ODD_INTS.length)] as number, at);
        }
        break;
      default:
        frame[at] = random(256);
    }
  }
  return frame;
}

function usedMemory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it(`bears ${COUNT} random and mutated frames: a value or a RangeError, in bounded memory (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const outcomes = { values: 0, refusals: 0, streams: 0, broken: 0 };
  const memoryBefore = usedMemory();
  let mostMemory = 0;
  let record = records[0] as (typeof records)[0];
  const readOne = (reader: JuteReader): void => {
    try {
      record.read(reader);
      outcomes.values += 1;
    } catch (error) {
      if (!(error instanceof RangeError)) {
        throw error;
      }
      outcomes.refusals += 1;
    }
    if (reader.remaining < 0) {
      throw new Error('read beyond the end of the frame');
    }
  };
  for (let index = 0; index < COUNT; index++) {
    record = records[random(records.length)] as typeof record;
    const frame = mutated(random);
    const { bytes } = new JuteWriter().begin().raw(frame).end();
    const stream = Buffer.from(bytes);
    if (random(10) === 0) {
      // A wrong length, and what comes after it.
      stream.writeInt32BE(ODD_INTS[random(ODD_INTS.length)] as number, 0);
    }
    const splitter = new FrameSplitter(LONGEST_FRAME, readOne);
    try {
      const cut = random(stream.length + 1);
      splitter.push(stream.subarray(0, cut));
      splitter.push(stream.subarray(cut));
      outcomes.streams += 1;
    } catch (error) {
      if (!(error instanceof RangeError)) {
        throw error;
      }
      outcomes.broken += 1;
    }
    if (index % 1_000 === 0) {
      mostMemory = Math.max(mostMemory, usedMemory());
    }
  }
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(COUNT / 100);
  expect(mostMemory - memoryBefore).toBeLessThan(MOST_MEMORY_BYTES);
}, 600_000);
