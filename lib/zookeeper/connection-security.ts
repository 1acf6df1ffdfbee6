import type { TlsParameters } from './connection/tls-parameters.js';
import type { AuthRequest } from './codec/auth.records.js';
import type { SaslLogin } from './handshake/sasl-login.js';

/**
 * What one connection needs to be let in, with files read and functions called:
 * plain values. Holds secrets.
 */
export interface ConnectionSecurity {
  readonly tls?: TlsParameters;
  readonly sasl?: SaslLogin;
  /** Identities of schemes such as `digest`. */
  readonly auth: readonly AuthRequest[];
}
