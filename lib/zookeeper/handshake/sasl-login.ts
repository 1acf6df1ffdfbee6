/**
 * Where a login is for, and how far it has come.
 *
 * @publicApi
 */
export interface SaslContext {
  /** The server as the connection string names it. */
  readonly host: string;
  /** The port of that server. */
  readonly port: number;
  /** 0 at the first call of each login. */
  readonly step: number;
}

/**
 * Answers what the server says; undefined when there is nothing more to say.
 * First called with no bytes at all. Whatever it throws ends the attempt.
 *
 * @example
 * ```ts
 * sasl: {
 *   mechanism: 'GSSAPI',
 *   respond: (challenge, { host, step }) => kerberos.next(challenge, host, step),
 * }
 * ```
 *
 * @publicApi
 */
export type SaslResponder = (
  challenge: Uint8Array,
  context: SaslContext,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** A login by name and password. */
export interface DigestMd5Login {
  readonly mechanism: 'DIGEST-MD5';
  readonly username: string;
  readonly password: string;
}

/** A login by a function of the application; no other process can do it. */
export interface CustomLogin {
  readonly mechanism: string;
  readonly respond: SaslResponder;
}

export type SaslLogin = DigestMd5Login | CustomLogin;

/** Whether a login can be made without the application. */
export function isPortable(login: SaslLogin): login is DigestMd5Login {
  return !('respond' in login);
}
