// @ts-check
/** A ZooKeeper server with a port for TLS, a certificate of its own, and logins. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import { startZookeeper } from '../../scripts/zookeeper/server.mjs';
import { REAL_SERVER } from './real-server.mjs';

/**
 * @param {import('../../scripts/zookeeper/server.mjs').StartOptions & import('../../scripts/zookeeper/configuration.mjs').ServerSettings} [settings]
 * @param {{ username: string, password: string }} [user] whom it demands a login of
 */
export async function startTlsServer(settings = REAL_SERVER, user) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-tls-'));
  const file = (/** @type {string} */ name) => join(directory, name);
  execFileSync(
    'openssl',
    [
      ...'req -x509 -new -nodes -days 2 -newkey ec'.split(' '),
      ...['-pkeyopt', 'ec_paramgen_curve:P-256', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ...['-keyout', file('key.pem'), '-out', file('cert.pem')],
    ],
    { stdio: 'pipe' },
  );
  const ca = readFileSync(file('cert.pem'), 'utf8');
  writeFileSync(file('store.pem'), readFileSync(file('key.pem'), 'utf8') + ca);
  const port = await freePort();
  const logins = user && {
    'authProvider.sasl':
      'org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
    'enforce.auth.enabled': true,
    'enforce.auth.schemes': 'sasl',
  };
  if (user) {
    const module = 'org.apache.zookeeper.server.auth.DigestLoginModule';
    writeFileSync(
      file('jaas.conf'),
      `Server {\n  ${module} required user_${user.username}="${user.password}";\n};\n`,
    );
  }
  const server = await startZookeeper({
    ...settings,
    jvmArgs: [
      ...(settings.jvmArgs ?? []),
      ...(user
        ? [
            `-Djava.security.auth.login.config=${file('jaas.conf')}`,
            '-Dzookeeper.fips-mode=false',
          ]
        : []),
    ],
    config: {
      ...logins,
      secureClientPort: port,
      secureClientPortAddress: '127.0.0.1',
      serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
      'ssl.keyStore.type': 'PEM',
      'ssl.keyStore.location': file('store.pem'),
      'ssl.trustStore.type': 'PEM',
      'ssl.trustStore.location': file('cert.pem'),
      'ssl.enabledProtocols': 'TLSv1.2,TLSv1.3',
      'ssl.ciphersuites':
        'TLS_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
      'ssl.clientAuth': 'none',
    },
  });
  return {
    connectionString: `127.0.0.1:${port}`,
    ca,
    close: async () => {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
