import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import { waitFor } from './wait-for.js';
import type { Certificates } from './certificates.js';
import {
  ZookeeperServer,
  type ZookeeperServerOptions,
} from './zookeeper-server.js';

const PACKAGE = 'org.apache.zookeeper.server';

export interface SecureServerOptions {
  readonly certificates: Certificates;
  /** Name of the server's certificate. */
  readonly certificate?: string;
  /** What is demanded of clients. */
  readonly clientAuth?: 'need' | 'want' | 'none';
  /** Who may log in by SASL, with their passwords. */
  readonly users?: Readonly<Record<string, string>>;
  /** Further lines of zoo.cfg. */
  readonly config?: Record<string, string | number | boolean>;
}

/** A real server with a port for TLS, one without, and logins by SASL. */
export class SecureServer {
  static async start(options: SecureServerOptions): Promise<SecureServer> {
    const { certificates, certificate = 'server', users } = options;
    const tlsPort = await freePort();
    const jaas = certificates.path(`jaas-${tlsPort}.conf`);
    const entries = Object.entries(users ?? {}).map(
      ([name, password]) =>
        `    user_${name}="${password.replaceAll(/["\\]/g, String.raw`\$&`)}"`,
    );
    writeFileSync(
      jaas,
      `Server {\n  ${PACKAGE}.auth.DigestLoginModule required\n${entries.join('\n')};\n};\n`,
    );
    const settings: ZookeeperServerOptions = {
      jvmArgs: users
        ? [
            `-Djava.security.auth.login.config=${jaas}`,
            // Servers of 3.9.6 do not offer DIGEST-MD5 otherwise.
            '-Dzookeeper.fips-mode=false',
          ]
        : [],
      config: {
        secureClientPort: tlsPort,
        secureClientPortAddress: '127.0.0.1',
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
        'ssl.clientAuth': options.clientAuth ?? 'need',
        'authProvider.x509': `${PACKAGE}.auth.X509AuthenticationProvider`,
        ...(users && {
          'authProvider.sasl': `${PACKAGE}.auth.SASLAuthenticationProvider`,
        }),
        ...options.config,
      },
    };
    const server = await ZookeeperServer.start(settings);
    await waitFor(() => accepts(tlsPort), { description: 'the port for TLS' });
    return new SecureServer(server, tlsPort);
  }

  private constructor(
    readonly server: ZookeeperServer,
    readonly tlsPort: number,
  ) {}

  get port(): number {
    return this.server.port;
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
