import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ZookeeperLeaderModuleOptions } from '../../lib/index.js';
import type { Acl } from '../support/wire-records.js';

/**
 * How applications identify themselves to ZooKeeper: not at all, by `credentials`,
 * by `credentials` over TLS, or by SASL.
 */
export const SECURITIES = ['none', 'digest', 'tls', 'sasl'] as const;
export type Security = (typeof SECURITIES)[number];

/** Those that are tried with a mixed fleet. */
export const LONG_KNOWN: readonly Security[] = ['none'];

/** What a server needs to prove who it is. */
export interface ServerCertificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** What one kind of security asks of all parts of a cluster. */
export interface SecuritySetup {
  readonly options: Partial<ZookeeperLeaderModuleOptions>;
  /** Of the servers. */
  readonly config: Record<string, string>;
  readonly jvmArgs: readonly string[];
  /** Of the near ends of cables, which speak TLS then. */
  readonly certificate: ServerCertificate | undefined;
}

/** May do everything, whatever the rights of a node are. */
export const SUPERUSER = 'super:of the faults';

const USER = { username: 'faults', password: 'by the "seed", of course' };
const ALL = 31;

/** Nobody but the superuser may do anything. */
export const CLOSED: Acl[] = [
  { permissions: ALL, scheme: 'digest', id: digest('nobody:knows this') },
];

/** @param directory of the run's own: files are left there */
export async function setUpSecurity(
  security: Security,
  directory: string,
): Promise<SecuritySetup> {
  const setup = {
    options: {},
    config: {},
    jvmArgs: [
      `-Dzookeeper.DigestAuthenticationProvider.superDigest=${digest(SUPERUSER)}`,
    ],
    certificate: undefined,
  };
  switch (security) {
    case 'none':
      return setup;
    case 'digest':
      return { ...setup, options: { credentials: USER } };
    case 'tls': {
      const { ca, certificate } = await issueCertificate(
        join(directory, 'certificates'),
      );
      const options = { credentials: USER, tls: { ca } };
      return { ...setup, options, certificate };
    }
    default: {
      const file = join(directory, 'jaas.conf');
      await writeFile(file, jaasConfiguration());
      return {
        ...setup,
        options: { sasl: { mechanism: 'DIGEST-MD5', ...USER } },
        config: {
          'authProvider.sasl':
            'org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
        },
        jvmArgs: [
          ...setup.jvmArgs,
          `-Djava.security.auth.login.config=${file}`,
          // Servers of 3.9.6 do not offer DIGEST-MD5 otherwise.
          '-Dzookeeper.fips-mode=false',
        ],
      };
    }
  }
}

function jaasConfiguration(): string {
  const { username, password } = USER;
  const quoted = password.replaceAll('"', '\\"');
  return `Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required
  user_${username}="${quoted}";
};
`;
}

/** As ZooKeeper stores a user name and password. */
function digest(identity: string): string {
  const hash = createHash('sha1').update(identity).digest('base64');
  return `${identity.split(':')[0]}:${hash}`;
}

/** Of an authority that nobody knows but who is given its certificate. */
async function issueCertificate(
  directory: string,
): Promise<{ ca: string; certificate: ServerCertificate }> {
  await mkdir(directory, { recursive: true });
  const openssl = (...args: string[]): Promise<unknown> =>
    promisify(execFile)('openssl', args, { cwd: directory });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  await openssl(
    ...['req', '-x509', ...newKey, '-nodes', '-days', '2'],
    ...['-subj', '/CN=faults', '-keyout', 'ca.key', '-out', 'ca.pem'],
  );
  await openssl(
    ...['req', ...newKey, '-nodes', '-subj', '/CN=server'],
    ...['-keyout', 'server.key', '-out', 'server.csr'],
  );
  // Servers move to other addresses, so those of TLS are known by name.
  await writeFile(
    join(directory, 'names'),
    'subjectAltName=DNS:*.faults.test,IP:127.0.0.1\n',
  );
  await openssl(
    ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem'],
    ...['-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'],
    ...['-extfile', 'names', '-out', 'server.pem'],
  );
  return {
    ca: join(directory, 'ca.pem'),
    certificate: {
      key: await readFile(join(directory, 'server.key')),
      cert: await readFile(join(directory, 'server.pem')),
    },
  };
}
