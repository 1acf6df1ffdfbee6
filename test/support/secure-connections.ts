import { createHash } from 'node:crypto';
import { Certificates } from './certificates.js';
import { serverSecurity, type ServerSecurity } from './server-security.js';

/**
 * With `TEST_CONNECTIONS=tls-sasl` the instances of the tests connect over TLS and log
 * in by SASL. Servers take both kinds of connections at one port: the observers of the
 * tests connect without TLS, as a superuser.
 */
export interface SecureConnections {
  readonly server: ServerSecurity;
  /** With which a proxy speaks TLS to instances. */
  readonly certificate: { readonly key: string; readonly cert: string };
  /** Name and password of the superuser, for the scheme `digest`. */
  readonly superuser: string;
}

const USER = { username: 'tests', password: 'by "the" tests, of course' };
const SUPERUSER = 'super:of the tests';

export const secureConnections: SecureConnections | undefined =
  process.env.TEST_CONNECTIONS === 'tls-sasl' ? setUp() : undefined;

/** The options of a server, with what secure connections need. */
export function secured<
  T extends { jvmArgs?: string[]; config?: ServerSecurity['config'] },
>(options: T): T {
  if (!secureConnections) {
    return options;
  }
  const { config, jvmArgs } = secureConnections.server;
  return {
    ...options,
    config: { ...config, ...options.config },
    jvmArgs: [...jvmArgs, ...(options.jvmArgs ?? [])],
  };
}

function setUp(): SecureConnections {
  const certificates = new Certificates()
    .authority('ca')
    .leaf('server', 'ca')
    .leaf('client', 'ca');
  // For instances in this process and in others: see secure-options.mjs.
  process.env.TEST_INSTANCE_OPTIONS = JSON.stringify({
    tls: {
      ca: certificates.path('ca.pem'),
      cert: certificates.path('client.pem'),
      key: certificates.path('client.key'),
    },
    sasl: { mechanism: 'DIGEST-MD5', ...USER },
  });
  const users = { [USER.username]: USER.password };
  const { config, jvmArgs } = serverSecurity(
    { certificates, users, clientAuth: 'want' },
    'jaas.conf',
  );
  const digest = createHash('sha1').update(SUPERUSER).digest('base64');
  return {
    server: {
      config: { ...config, 'client.portUnification': true },
      jvmArgs: [
        ...jvmArgs,
        `-Dzookeeper.DigestAuthenticationProvider.superDigest=super:${digest}`,
      ],
    },
    certificate: {
      key: certificates.read('server.key'),
      cert: certificates.read('server.pem'),
    },
    superuser: SUPERUSER,
  };
}
