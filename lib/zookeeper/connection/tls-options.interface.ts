import type { ConnectionOptions } from 'node:tls';

/**
 * Certificates or keys: text in PEM format, a buffer, or the path of a file. A
 * text without `-----BEGIN` is taken for a path.
 *
 * @publicApi
 */
export type TlsMaterial = string | Buffer | readonly (string | Buffer)[];

/**
 * {@link TlsMaterial}, or a function that gets it. Files are read and functions
 * called for every connection, and every five minutes for the guardian: rotated
 * certificates take effect.
 *
 * @publicApi
 */
export type TlsMaterialSource =
  TlsMaterial | (() => TlsMaterial | Promise<TlsMaterial>);

/**
 * How connections to ZooKeeper are encrypted: the names are those of Node's
 * [tls.connect()](https://nodejs.org/api/tls.html#tlsconnectoptions-callback).
 *
 * @example
 * ```ts
 * tls: {
 *   ca: '/etc/zookeeper/ca.pem',
 *   cert: '/etc/zookeeper/client.pem',
 *   key: '/etc/zookeeper/client.key',
 * }
 * ```
 *
 * @publicApi
 */
export interface ZookeeperTlsOptions {
  /** Authorities that may have signed the servers' certificates. */
  readonly ca?: TlsMaterialSource;
  /** Certificate of this client; most servers demand one. */
  readonly cert?: TlsMaterialSource;
  /** Private key of `cert`. */
  readonly key?: TlsMaterialSource;
  /** `cert` and `key` in one PKCS#12 file: a buffer or a path. */
  readonly pfx?: TlsMaterialSource;
  /** Of `key` or `pfx`. */
  readonly passphrase?: string | (() => string | Promise<string>);
  /** Certificates that have been revoked. */
  readonly crl?: TlsMaterialSource;
  /**
   * The name in the servers' certificates, where it is not the one in the
   * connection string.
   */
  readonly servername?: string;
  /** False: any server that answers is taken for ZooKeeper. For tests only. */
  readonly rejectUnauthorized?: boolean;
  /** Default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Default `TLSv1.3`. */
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** A list in the manner of OpenSSL. Default: that of Node.js. */
  readonly ciphers?: string;
}

/** What one TLS connection is made with: values of Node's own names. */
export type TlsParameters = Readonly<
  Pick<ConnectionOptions, keyof ZookeeperTlsOptions>
>;
