import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LeafOptions {
  /** Names and addresses, as in `DNS:localhost,IP:127.0.0.1`. */
  readonly altNames?: string;
  /** Days from now; negative: expired. */
  readonly days?: number;
}

/** Certificates and keys in files of their own, made by openssl. */
export class Certificates {
  readonly directory = mkdtempSync(join(tmpdir(), 'certificates-'));

  /** The path of a file: `ca.pem`, `client.key`, ... */
  path(name: string): string {
    return join(this.directory, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  /** An authority: `<name>.pem` and `<name>.key`. */
  authority(name: string): this {
    this.#key(name);
    return this.#openssl('req -x509 -new -days 30', [
      '-key',
      `${name}.key`,
      '-subj',
      `/CN=${name}`,
      '-out',
      `${name}.pem`,
    ]);
  }

  /** A certificate: `<name>.pem`, `<name>.key` and both in `<name>-store.pem`. */
  leaf(
    name: string,
    authority: string,
    { altNames = 'DNS:localhost,IP:127.0.0.1', days = 30 }: LeafOptions = {},
  ): this {
    this.#key(name);
    writeFileSync(
      this.path(`${name}.ext`),
      `subjectAltName=${altNames}\nextendedKeyUsage=serverAuth,clientAuth\n`,
    );
    this.#openssl('req -new', [
      ...['-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`],
    ]);
    this.#openssl('x509 -req -CAcreateserial', [
      ...['-in', `${name}.csr`, '-CA', `${authority}.pem`],
      ...['-CAkey', `${authority}.key`, '-extfile', `${name}.ext`],
      ...['-days', String(days), '-out', `${name}.pem`],
    ]);
    writeFileSync(
      this.path(`${name}-store.pem`),
      this.read(`${name}.key`) + this.read(`${name}.pem`),
    );
    return this;
  }

  /** `<name>.p12`, with key and certificate. */
  pkcs12(name: string, passphrase: string): this {
    return this.#openssl('pkcs12 -export', [
      ...['-inkey', `${name}.key`, '-in', `${name}.pem`],
      ...['-passout', `pass:${passphrase}`, '-out', `${name}.p12`],
    ]);
  }

  #key(name: string): void {
    this.#openssl('genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256', [
      '-out',
      `${name}.key`,
    ]);
  }

  #openssl(command: string, args: readonly string[]): this {
    execFileSync('openssl', [...command.split(' '), ...args], {
      cwd: this.directory,
      stdio: 'pipe',
    });
    return this;
  }
}
