import type { JuteRecord } from './jute-record.js';

/** Proves an identity of a scheme such as `digest`. */
export interface AuthRequest {
  readonly scheme: string;
  readonly secret: string | Uint8Array;
}

/** One step of a SASL login, in either direction. */
export interface SaslToken {
  readonly token: Uint8Array | null;
}

/** One identity of a session, as the server names it. */
export interface Identity {
  readonly scheme: string;
  readonly id: string;
}

/** The lengths of two strings. */
const LEAST_IDENTITY_BYTES = 8;

export const authRequest: JuteRecord<AuthRequest> = {
  write(writer, { scheme, secret }) {
    writer.int(0).text(scheme).buffer(secret);
  },
  read(reader) {
    reader.int();
    return {
      scheme: reader.text(),
      secret: Buffer.from(reader.buffer() ?? []),
    };
  },
};

export const saslToken: JuteRecord<SaslToken> = {
  write(writer, { token }) {
    writer.buffer(token);
  },
  read(reader) {
    const token = reader.buffer();
    return { token: token && Buffer.from(token) };
  },
};

export const whoAmIReply: JuteRecord<readonly Identity[]> = {
  write(writer, identities) {
    writer.list(identities, (to, { scheme, id }) => to.text(scheme).text(id));
  },
  read: (reader) =>
    reader.list(
      (from) => ({ scheme: from.text(), id: from.text() }),
      LEAST_IDENTITY_BYTES,
    ),
};
