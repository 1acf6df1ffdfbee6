import type { ConnectionOptions } from 'node:tls';

/** What one TLS connection is made with: values of Node's own names. */
export type TlsParameters = Readonly<
  Pick<
    ConnectionOptions,
    | 'ca'
    | 'cert'
    | 'key'
    | 'pfx'
    | 'passphrase'
    | 'crl'
    | 'servername'
    | 'rejectUnauthorized'
    | 'minVersion'
    | 'maxVersion'
    | 'ciphers'
  >
>;
