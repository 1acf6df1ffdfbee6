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

/** What has no content. */
export const nothing: JuteRecord<void> = {
  write: () => undefined,
  read: () => undefined,
};
