import type { JuteWriter } from '../../zookeeper/codec/jute-writer.js';

/** Writes what follows the header of an answer. */
export type Body = (writer: JuteWriter) => void;

/** How a request is answered. */
export interface Answer {
  readonly code: number;
  readonly zxid: number;
  readonly body?: Body;
  /** The connection ends with it. */
  readonly isLast?: boolean;
}
