import type { ConnectionOptions } from 'node:tls';
import type { ZookeeperTlsOptions } from './tls-options.interface.js';

/** What one TLS connection is made with: values of Node's own names. */
export type TlsParameters = Readonly<
  Pick<ConnectionOptions, keyof ZookeeperTlsOptions>
>;
