import type { JuteReader } from './jute-reader.js';
import type { JuteWriter } from './jute-writer.js';

/**
 * One record of the protocol, both ways: a client writes what a server reads,
 * and the other way round.
 */
export interface JuteRecord<Written, Read = Written> {
  write(writer: JuteWriter, value: Written): void;
  read(reader: JuteReader): Read;
}

/** What a record is written from. */
export type WrittenAs<Record> =
  Record extends JuteRecord<infer Written, unknown> ? Written : never;

/** What a record is read as. */
export type ReadAs<Record> =
  Record extends JuteRecord<never, infer Read> ? Read : never;

type Fields = Readonly<Record<string, JuteRecord<never, unknown>>>;

/** A record of other records, one after the other. */
export function record<const Own extends Fields>(
  fields: Own,
): JuteRecord<
  { readonly [Name in keyof Own]: WrittenAs<Own[Name]> },
  { readonly [Name in keyof Own]: ReadAs<Own[Name]> }
> {
  const all = Object.entries(fields) as [
    keyof Own,
    JuteRecord<unknown, Own[keyof Own]>,
  ][];
  return {
    write(writer, value) {
      for (const [name, field] of all) {
        field.write(writer, value[name]);
      }
    },
    read(reader) {
      const value = {} as { [Name in keyof Own]: ReadAs<Own[Name]> };
      for (const [name, field] of all) {
        value[name] = field.read(reader) as ReadAs<Own[typeof name]>;
      }
      return value;
    },
  };
}

/**
 * Any number of records.
 *
 * @param leastBytes the length of the shortest item; bounds how many there are
 */
export function list<Written, Read>(
  item: JuteRecord<Written, Read>,
  leastBytes: number,
): JuteRecord<readonly Written[], Read[]> {
  return {
    write: (writer, items) => {
      writer.list(items, (to, each) => item.write(to, each));
    },
    read: (reader) => reader.list((from) => item.read(from), leastBytes),
  };
}

/** What has no content. */
export const nothing: JuteRecord<void> = {
  write: () => undefined,
  read: () => undefined,
};

export const int: JuteRecord<number> = {
  write: (writer, value) => void writer.int(value),
  read: (reader) => reader.int(),
};

export const long: JuteRecord<number> = {
  write: (writer, value) => void writer.long(value),
  read: (reader) => reader.long(),
};

/** A 64-bit number in hexadecimal. */
export const hexLong: JuteRecord<string> = {
  write: (writer, value) => void writer.hexLong(value),
  read: (reader) => reader.hexLong(),
};

export const bool: JuteRecord<boolean> = {
  write: (writer, value) => void writer.bool(value),
  read: (reader) => reader.bool(),
};

export const text: JuteRecord<string> = {
  write: (writer, value) => void writer.text(value),
  read: (reader) => reader.text(),
};

/** Null is not the same as empty. Read as a view of the frame: copy what you keep. */
export const buffer: JuteRecord<string | Uint8Array | null, Buffer | null> = {
  write: (writer, value) => void writer.buffer(value),
  read: (reader) => reader.buffer(),
};

/** As {@link buffer}, but a copy. */
export const copiedBuffer: JuteRecord<Uint8Array> = {
  write: (writer, value) => void writer.buffer(value),
  read: (reader) => Buffer.from(reader.buffer() ?? []),
};
