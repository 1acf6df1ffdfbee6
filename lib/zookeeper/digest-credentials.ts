import type { DigestMd5Login } from './handshake/sasl-login.js';

/**
 * A user name with a password that no dump shows: neither `inspect()` nor
 * `JSON.stringify()` looks at private members or at getters of a class.
 */
export class DigestCredentials {
  readonly username: string;
  readonly #password: string;

  constructor(username: string, password: string) {
    this.username = username;
    this.#password = password;
  }

  get password(): string {
    return this.#password;
  }

  /** What ZooKeeper's scheme `digest` is told, `user:password`. */
  reveal(): string {
    return `${this.username}:${this.#password}`;
  }
}

/** The same for a login by SASL. */
export class DigestMd5Credentials
  extends DigestCredentials
  implements DigestMd5Login
{
  readonly mechanism = 'DIGEST-MD5';
}
