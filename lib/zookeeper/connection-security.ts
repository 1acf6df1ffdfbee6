import type { AuthRequest } from './codec/auth.records.js';
import type { TlsParameters } from './connection/tls-options.interface.js';
import type { TlsSource } from './connection/tls-source.js';
import type { DigestCredentials } from './digest-credentials.js';
import { isPortable, type SaslLogin } from './handshake/sasl-login.js';

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

/** What is known of the security of all connections. */
export interface SecuritySources {
  readonly tls?: TlsSource | undefined;
  readonly sasl?: SaslLogin | undefined;
  readonly credentials?: DigestCredentials | undefined;
}

/** Whether the client proves who it is. */
export function canProve({ tls, sasl, credentials }: SecuritySources): boolean {
  return Boolean(credentials ?? sasl ?? tls?.hasCertificate);
}

/** What the next connection needs. Rejects if a file or function fails. */
export async function readSecurity({
  tls,
  sasl,
  credentials,
}: SecuritySources): Promise<ConnectionSecurity> {
  return {
    ...(tls && { tls: await tls.read() }),
    ...(sasl && { sasl: plain(sasl) }),
    auth: credentials
      ? [{ scheme: 'digest', secret: credentials.reveal() }]
      : [],
  };
}

/** Without the members that no dump shows, nor any message. */
function plain(login: SaslLogin): SaslLogin {
  if (!isPortable(login)) {
    return login;
  }
  const { mechanism, username, password } = login;
  return { mechanism, username, password };
}
