import { buffer, copiedBuffer, type JuteRecord } from './jute-record.js';

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
