import {
  buffer,
  copiedBuffer,
  list,
  record,
  text,
  type JuteRecord,
  type WrittenAs,
} from './jute-record.js';

/** Proves an identity of a scheme such as `digest`. */
export interface AuthRequest {
  readonly scheme: string;
  readonly secret: string | Uint8Array;
}

export const authRequest: JuteRecord<AuthRequest> = {
  write(writer, { scheme, secret }) {
    writer.int(0).text(scheme).buffer(secret);
  },
  read(reader) {
    reader.int();
    return { scheme: reader.text(), secret: copiedBuffer.read(reader) };
  },
};

/** One step of a SASL login, in either direction. */
export const saslToken: JuteRecord<{ readonly token: Uint8Array | null }> = {
  write: (writer, { token }) => buffer.write(writer, token),
  read(reader) {
    const token = reader.buffer();
    return { token: token && Buffer.from(token) };
  },
};

/** The lengths of two strings. */
const LEAST_IDENTITY_BYTES = 8;

/** One identity of a session, as the server names it. */
export type Identity = WrittenAs<typeof identity>;
const identity = record({ scheme: text, id: text });

export const whoAmIReply = list(identity, LEAST_IDENTITY_BYTES);
