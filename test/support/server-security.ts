import { writeFileSync } from 'node:fs';
import type { Certificates } from './certificates.js';

const PACKAGE = 'org.apache.zookeeper.server';

export interface ServerSecurityOptions {
  readonly certificates: Certificates;
  /** Name of the server's certificate. */
  readonly certificate?: string;
  /** What is demanded of clients. */
  readonly clientAuth?: 'need' | 'want' | 'none';
  /** Who may log in by SASL, with their passwords. */
  readonly users?: Readonly<Record<string, string>>;
}

/** What a server needs to speak TLS, and to know its users. */
export interface ServerSecurity {
  readonly config: Record<string, string | number | boolean>;
  readonly jvmArgs: string[];
}

/** @param name of the file with the users */
export function serverSecurity(
  {
    certificates,
    certificate = 'server',
    clientAuth = 'need',
    users,
  }: ServerSecurityOptions,
  name: string,
): ServerSecurity {
  const config = {
    serverCnxnFactory: `${PACKAGE}.NettyServerCnxnFactory`,
    'ssl.keyStore.type': 'PEM',
    'ssl.keyStore.location': certificates.path(`${certificate}-store.pem`),
    'ssl.trustStore.type': 'PEM',
    'ssl.trustStore.location': certificates.path('ca.pem'),
    'ssl.protocol': 'TLS',
    'ssl.enabledProtocols': 'TLSv1.2,TLSv1.3',
    // The defaults of 3.8 have none of TLS 1.3.
    'ssl.ciphersuites':
      'TLS_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    'ssl.clientAuth': clientAuth,
    'authProvider.x509': `${PACKAGE}.auth.X509AuthenticationProvider`,
  };
  if (!users) {
    return { config, jvmArgs: [] };
  }
  const file = certificates.path(name);
  writeFileSync(file, jaasConfiguration(users));
  return {
    config: {
      ...config,
      'authProvider.sasl': `${PACKAGE}.auth.SASLAuthenticationProvider`,
    },
    jvmArgs: [
      `-Djava.security.auth.login.config=${file}`,
      // Servers of 3.9.6 do not offer DIGEST-MD5 otherwise.
      '-Dzookeeper.fips-mode=false',
    ],
  };
}

function jaasConfiguration(users: Readonly<Record<string, string>>): string {
  const lines = Object.entries(users).map(
    ([name, password]) =>
      `    user_${name}="${password.replaceAll(/["\\]/g, String.raw`\$&`)}"`,
  );
  return `Server {\n  ${PACKAGE}.auth.DigestLoginModule required\n${lines.join('\n')};\n};\n`;
}
