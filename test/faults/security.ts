import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ZookeeperLeaderModuleOptions } from '../../lib/index.js';
import type { Acl } from '../support/wire-records.js';

/** Each instance of a mixed fleet has the next one. */
const MIXTURE = ['none', 'digest', 'tls', 'sasl-tls'] as const;

/**
 * How applications identify themselves to ZooKeeper: not at all, by `credentials`,
 * by `credentials` over TLS, by SASL, by SASL over TLS, or each in its own way.
 */
export const SECURITIES = [
  'none',
  'digest',
  'tls',
  'sasl',
  'sasl-tls',
  'mixed',
] as const;
export type Security = (typeof SECURITIES)[number];

/** Those that broken libraries are tried with. */
export const FIRST_KNOWN: readonly Security[] = [
  'none',
  'digest',
  'tls',
  'sasl',
];

/** Those that are tried with a fleet of two versions. */
export const LONG_KNOWN: readonly Security[] = ['none'];

/** What a server needs to prove who it is. */
export interface ServerCertificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** What one kind of security asks of all parts of a cluster. */
export interface SecuritySetup {
  /** Of the servers. */
  readonly config: Record<string, string>;
  readonly jvmArgs: readonly string[];
  /** Of the instance in a place; it stays when the instance is replaced. */
  of(index: number): InstanceSecurity;
}

export interface InstanceSecurity {
  readonly kind: Security;
  readonly options: Partial<ZookeeperLeaderModuleOptions>;
  /** Of the near ends of its cables, which speak TLS then. */
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
  const kinds: readonly Security[] =
    security === 'mixed' ? MIXTURE : [security];
  const servers = kinds.some(hasLogin)
    ? await writeLogin(join(directory, 'jaas.conf'))
    : { config: {}, jvmArgs: [] };
  const issued = kinds.some(isEncrypted)
    ? await issueCertificate(join(directory, 'certificates'))
    : undefined;
  return {
    config: servers.config,
    jvmArgs: [
      `-Dzookeeper.DigestAuthenticationProvider.superDigest=${digest(SUPERUSER)}`,
      ...servers.jvmArgs,
    ],
    of(index) {
      const kind = kinds[index % kinds.length] as Security;
      const tls = isEncrypted(kind) ? issued : undefined;
      return {
        kind,
        certificate: tls?.certificate,
        options: {
          ...((kind === 'digest' || kind === 'tls') && { credentials: USER }),
          ...(hasLogin(kind) && {
            sasl: { mechanism: 'DIGEST-MD5' as const, ...USER },
          }),
          ...(tls && { tls: { ca: tls.ca } }),
          // Each is somebody else to the servers, and has to get at what others made.
          ...(security === 'mixed' && { acl: 'open' as const }),
        },
      };
    },
  };
}

function hasLogin(kind: Security): boolean {
  return kind === 'sasl' || kind === 'sasl-tls';
}

function isEncrypted(kind: Security): boolean {
  return kind === 'tls' || kind === 'sasl-tls';
}

/** Servers with a login still let in who has none. */
async function writeLogin(
  file: string,
): Promise<Pick<SecuritySetup, 'config' | 'jvmArgs'>> {
  await writeFile(file, jaasConfiguration());
  return {
    config: {
      'authProvider.sasl':
        'org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
    },
    jvmArgs: [
      `-Djava.security.auth.login.config=${file}`,
      // Servers of 3.9.6 do not offer DIGEST-MD5 otherwise.
      '-Dzookeeper.fips-mode=false',
    ],
  };
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
