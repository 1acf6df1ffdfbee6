// @ts-check
/** A ZooKeeper server with a port for TLS and a certificate of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import { startZookeeper } from '../../scripts/zookeeper/server.mjs';
import { REAL_SERVER } from './real-server.mjs';

export async function startTlsServer() {
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
  const server = await startZookeeper({
    ...REAL_SERVER,
    config: {
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
