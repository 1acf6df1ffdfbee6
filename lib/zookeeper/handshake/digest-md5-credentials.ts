import type { DigestMd5Login } from './sasl-login.js';

/**
 * A login by name and password that no dump shows: neither `inspect()` nor
 * `JSON.stringify()` looks at private members or at getters of a class.
 */
export class DigestMd5Credentials implements DigestMd5Login {
  readonly mechanism = 'DIGEST-MD5';
  readonly username: string;
  readonly #password: string;

  constructor(username: string, password: string) {
    this.username = username;
    this.#password = password;
  }

  get password(): string {
    return this.#password;
  }
}
