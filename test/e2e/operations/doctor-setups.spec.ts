import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { inProject } from '../../../scripts/support/project.mjs';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import type { LeaderSession } from '../../../lib/session/leader-session.js';
import {
  LeaderElection,
  LeaderElections,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import { Certificates } from '../../support/certificates.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { SecureServer } from '../../support/secure-server.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperEnsemble } from '../../support/zookeeper-ensemble.js';

const bin = inProject('dist/esm/cli/cli.main.js');
const documentation = readFileSync(inProject('docs/operations.md'), 'utf8');

/** How the doctor is called. */
interface Call {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Finding {
  level: string;
  about: string;
  text: string;
  fix?: string;
}

/** Something that is wrong, and what the doctor has to say about it. */
interface BrokenSetup {
  readonly name: string;
  readonly make: () => Call | Promise<Call>;
  readonly about?: RegExp;
  /** As docs/operations.md has it; `…` stands for what depends on the setup. */
  readonly says: string;
  readonly fix: string;
}

let certificates: Certificates;
/** With a port for TLS that demands a certificate, and logins by SASL. */
let server: SecureServer;
/** Serves nobody who has not logged in by SASL. */
let strict: SecureServer;
const listening = new Set<Server>();
const ensembles = new Set<ZookeeperEnsemble>();

beforeAll(async () => {
  certificates = new Certificates()
    .authority('ca')
    .authority('other-ca')
    .leaf('server', 'ca')
    .leaf('client', 'ca');
  const users = { bob: 'secret' };
  [server, strict] = await Promise.all([
    SecureServer.start({ certificates, users }),
    SecureServer.start({
      certificates,
      users,
      config: { 'enforce.auth.enabled': true, 'enforce.auth.schemes': 'sasl' },
    }),
  ]);
});
afterEach(async () => {
  for (const each of listening) {
    each.close();
  }
  listening.clear();
  await closeApplications();
  await Promise.all([...ensembles].map((ensemble) => ensemble.close()));
  ensembles.clear();
});
afterAll(() => Promise.all([server.close(), strict.close()]));

async function ask({ args, env = {} }: Call): Promise<{
  exitCode: number;
  findings: Finding[];
}> {
  const child = spawn(
    process.execPath,
    [bin, 'doctor', '--json', '--timeout=2', ...args],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [out, [exitCode]] = await Promise.all([
    text(child.stdout),
    once(child, 'close'),
  ]);
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return { exitCode: exitCode as number, findings };
}

async function listen(created: Server): Promise<Call> {
  listening.add(created);
  await new Promise<void>((resolve) => {
    created.listen(0, '127.0.0.1', resolve);
  });
  return at((created.address() as AddressInfo).port);
}

function at(port: number, ...args: string[]): Call {
  return { args: [`--connect=127.0.0.1:${port}`, ...args] };
}

function tls(port: number, ca: string, ...args: string[]): Call {
  return at(port, `--tls-ca=${certificates.path(ca)}`, ...args);
}

async function startLeader(
  basePath: string,
  options: Partial<ZookeeperLeaderModuleOptions> = {},
): Promise<LeaderSession> {
  const app = await startApplication({
    options: {
      connectionString: `127.0.0.1:${server.port}`,
      basePath,
      ...options,
    },
  });
  await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  return app.get(LeaderElections).session as LeaderSession;
}

const SETUPS: BrokenSetup[] = [
  {
    name: 'a name that does not exist',
    make: () => ({ args: ['--connect=no-such-host.invalid:2181'] }),
    says: 'the name … cannot be resolved',
    fix: 'correct the name in the connection string, or the DNS that this machine asks',
  },
  {
    name: 'a port where nothing listens',
    make: async () => at(await freePort()),
    says: 'it refuses connections: nothing listens there',
    fix: 'start the server, or correct the port',
  },
  {
    name: 'a server that hangs',
    make: () => listen(createServer(() => undefined)),
    says: 'it accepts connections, and says nothing within … ms',
    fix: 'see whether something else listens there, the server hangs, or this port expects TLS',
  },
  {
    name: 'the port of something else',
    make: () => listen(createHttpServer()),
    says: 'something that is not ZooKeeper answers: …',
    fix: 'correct the port',
  },
  {
    name: 'a server that is too old',
    make: () =>
      listen(
        createServer((socket) => {
          socket.on('error', () => undefined);
          socket.once('data', () =>
            socket.end('Zookeeper version: 3.4.14-4c25d480\nMode: follower\n'),
          );
        }),
      ),
    says: 'version 3.4 is too old: 3.6 or newer is needed',
    fix: 'upgrade the servers, one at a time',
  },
  {
    name: 'a server without a quorum',
    make: async () => {
      const ensemble = await ZookeeperEnsemble.start();
      ensembles.add(ensemble);
      const [left, ...others] = ensemble.servers;
      await Promise.all(others.map((each) => each.stop()));
      await waitFor(async () => (await left?.mode()) === undefined);
      return at(left?.port ?? 0);
    },
    says: 'it runs and does not serve: it has no quorum, or has just been started',
    fix: 'start enough of the other servers, and see their logs for elections that fail',
  },
  {
    name: 'a port for TLS, without --tls',
    make: () => at(server.tlsPort),
    says: 'it speaks TLS at this port',
    fix: 'use its clientPort, or give the application the option tls, and this command --tls-ca',
  },
  {
    name: 'a port without TLS, with --tls-ca',
    make: () => tls(server.port, 'ca.pem'),
    says: 'it speaks no TLS at this port',
    fix: 'use its secureClientPort, or leave out the TLS options, here and in the application',
  },
  {
    name: 'a certificate that another authority has signed',
    make: () => tls(server.tlsPort, 'other-ca.pem'),
    says: 'cannot be used with TLS: its certificate is signed by none of the authorities of the option tls.ca: …',
    fix: 'the options here are --tls-ca, --tls-cert, --tls-key and --tls-servername, those of the application likewise',
  },
  {
    name: 'a server that demands a certificate',
    make: () => tls(server.tlsPort, 'ca.pem'),
    says: 'cannot be used with TLS: it demands a certificate of the client: set the options tls.cert and tls.key',
    fix: 'the options here are --tls-ca, --tls-cert, --tls-key and --tls-servername, those of the application likewise',
  },
  {
    name: 'a file that is not there',
    make: () => tls(server.tlsPort, 'no-such-file.pem'),
    about: /^tls$/,
    says: 'the file of the option tls.ca cannot be read: …',
    fix: 'correct the path, or the rights of the file',
  },
  {
    name: 'a wrong password for SASL',
    make: () => ({ ...at(strict.port), env: { ZOOKEEPER_SASL: 'bob:wrong' } }),
    about: /^session$/,
    says: 'ZooKeeper at … refuses the login. …',
    fix: 'set ZOOKEEPER_SASL, and the option sasl of the application, to a user of the JAAS file of the servers',
  },
  {
    name: 'servers that demand a login',
    make: () => at(strict.port),
    about: /^session$/,
    says: 'ZooKeeper at … refuses the login. …',
    fix: 'set ZOOKEEPER_SASL or ZOOKEEPER_CREDENTIALS: the servers serve nobody without a login',
  },
  {
    name: 'nodes that are closed',
    make: async () => {
      await startLeader('/closed', {
        credentials: { username: 'app', password: 'secret' },
      });
      return at(server.port, '--base-path=/closed', '--timeout=15');
    },
    about: /^\/closed$/,
    says: 'ZooKeeper refuses: the nodes are closed, or belong to somebody else',
    fix: 'set ZOOKEEPER_CREDENTIALS or ZOOKEEPER_SASL to what the application has as its option credentials or sasl, or use another base path',
  },
  {
    name: 'nodes of another application on the base path',
    make: async () => {
      const { client } = await startLeader('/foreign');
      await client.create('/foreign/brokers', '', 'persistent');
      return at(server.port, '--base-path=/foreign', '--timeout=15');
    },
    about: /^\/foreign$/,
    says: 'something else keeps nodes there: …',
    fix: 'give each application a base path of its own',
  },
  {
    name: 'two instances with one id',
    make: async () => {
      await startLeader('/twice', { instanceId: 'web' });
      const second = await startApplication({
        options: {
          connectionString: `127.0.0.1:${server.port}`,
          basePath: '/twice',
          instanceId: 'web',
        },
      });
      await waitFor(
        () => second.get(LeaderElection).leadership.role === 'follower',
      );
      return at(server.port, '--base-path=/twice', '--timeout=15');
    },
    about: /^instances$/,
    says: 'more than one calls itself …',
    fix: 'give each an instanceId of its own, or none at all',
  },
];

it.each(SETUPS.map((setup) => [setup.name, setup] as const))(
  'the doctor finds %s, and says the fix',
  async (_name, { make, about, says, fix }) => {
    const { exitCode, findings } = await ask(await make());
    const problems = findings.filter(({ level }) => level === 'bad');
    const [first] = problems;
    expect(first?.text).toMatch(patternOf(says));
    expect(first?.about).toMatch(about ?? /^[\w.-]+:\d+$/);
    expect(first?.fix).toBe(fix);
    expect(exitCode).toBe(8);
    expect(documentation).toContain(`| ${says}`);
  },
);

it('the doctor finds nothing to mend on servers that want TLS, a certificate and a login', async () => {
  await startLeader('/secured', {
    connectionString: `127.0.0.1:${strict.tlsPort}`,
    tls: {
      ca: certificates.path('ca.pem'),
      cert: certificates.path('client.pem'),
      key: certificates.path('client.key'),
    },
    sasl: { mechanism: 'DIGEST-MD5', username: 'bob', password: 'secret' },
  });
  const { exitCode, findings } = await ask({
    ...tls(
      strict.tlsPort,
      'ca.pem',
      `--tls-cert=${certificates.path('client.pem')}`,
      `--tls-key=${certificates.path('client.key')}`,
      '--base-path=/secured',
      '--timeout=15',
    ),
    env: { ZOOKEEPER_SASL: 'bob:secret' },
  });
  expect(findings.filter(({ level }) => level === 'bad')).toEqual([]);
  const texts = findings.map(({ text: what }) => what);
  expect(texts).toContainEqual(expect.stringMatching(/^ZooKeeper 3\./));
  expect(texts).toContain('can be written');
  expect(exitCode).toBe(0);
});

/** A text of which `…` stands for anything. */
function patternOf(says: string): RegExp {
  const parts = says
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.+')}`);
}
