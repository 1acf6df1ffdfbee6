// @ts-check
/*
 * Writes golden.json: what ZooKeeper's own Java client and a real server said to
 * each other. Needs javac. Not part of any run: the bytes do not change.
 *
 *   node test/unit/zookeeper/golden/record.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findZookeeper } from '../../../../scripts/zookeeper/installation.mjs';
import { startZookeeper } from '../../../../scripts/zookeeper/server.mjs';

const PACKAGE = 'org.apache.zookeeper.server';
const SOURCE = fileURLToPath(new URL('Golden.java', import.meta.url));
const OUTPUT = fileURLToPath(new URL('golden.json', import.meta.url));

const installation = findZookeeper();
if (!installation) {
  throw new Error('ZooKeeper is not installed');
}
const directory = mkdtempSync(join(tmpdir(), 'golden-'));
const jaas = join(directory, 'jaas.conf');
writeFileSync(
  jaas,
  `Server { ${PACKAGE}.auth.DigestLoginModule required user_bob="secret"; };
Client { ${PACKAGE}.auth.DigestLoginModule required username="bob" password="secret"; };
`,
);
const login = `-Djava.security.auth.login.config=${jaas}`;
const server = await startZookeeper({
  jvmArgs: [login],
  config: { 'authProvider.sasl': `${PACKAGE}.auth.SASLAuthenticationProvider` },
});

/** @type {{ requests: string[], replies: string[] }[]} */
const connections = [];
/** @type {Set<import('node:net').Socket>} */
const sockets = new Set();

/** @param {string[]} frames */
function recorder(frames) {
  let rest = Buffer.alloc(0);
  return (/** @type {Buffer} */ chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE()) {
      const end = 4 + rest.readInt32BE();
      frames.push(rest.subarray(4, end).toString('hex'));
      rest = rest.subarray(end);
    }
  };
}

const relay = createServer((client) => {
  const upstream = connect(server.port, '127.0.0.1');
  const recorded = { requests: [], replies: [] };
  connections.push(recorded);
  client.on('data', recorder(recorded.requests)).pipe(upstream);
  upstream.on('data', recorder(recorded.replies)).pipe(client);
  for (const socket of [client, upstream]) {
    sockets.add(socket);
    socket.on('error', () => undefined);
  }
});
await once(relay.listen(0, '127.0.0.1'), 'listening');
const { port } = /** @type {import('node:net').AddressInfo} */ (
  relay.address()
);
const java = spawn(
  installation.java,
  [
    login,
    '-cp',
    installation.classpath.join(delimiter),
    SOURCE,
    `127.0.0.1:${port}`,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
java.stdout.on('data', (text) => {
  if (String(text).includes('cut')) {
    sockets.forEach((socket) => socket.destroy());
  }
});
const [code] = await once(java, 'exit');
relay.close();
await server.close();
rmSync(directory, { recursive: true });
if (code !== 0) {
  throw new Error(`The Java client ended with ${code}`);
}
writeFileSync(
  OUTPUT,
  `${JSON.stringify({ server: installation.description, connections }, null, 1)}\n`,
);
