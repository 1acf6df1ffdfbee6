import type {
  ZookeeperCredentials,
  ZookeeperDigestMd5Login,
  ZookeeperLeaderModuleOptions,
  ZookeeperSaslMechanism,
} from './interfaces/zookeeper-leader-options.interface.js';
import type { OptionChecks, OptionTable } from './validate.js';
import type { ZookeeperTlsOptions } from './zookeeper/connection/tls-options.interface.js';
import { TlsSource } from './zookeeper/connection/tls-source.js';
import {
  DigestCredentials,
  DigestMd5Credentials,
} from './zookeeper/digest-credentials.js';
import type { SaslLogin } from './zookeeper/handshake/sasl-login.js';
import type { NodeAcl } from './zookeeper/zookeeper-client.interface.js';

/** Who this is, and how that stays between it and ZooKeeper. */
export interface ResolvedSecurity {
  readonly credentials: DigestCredentials | undefined;
  readonly tls: TlsSource | undefined;
  readonly sasl: SaslLogin | undefined;
  readonly acl: NodeAcl;
}

type Given = ZookeeperLeaderModuleOptions;

const CREDENTIALS: OptionTable<ZookeeperCredentials> = {
  username: true,
  password: true,
};
const DIGEST_LOGIN: OptionTable<ZookeeperDigestMd5Login> = {
  mechanism: true,
  username: true,
  password: true,
};
const SASL_MECHANISM: OptionTable<ZookeeperSaslMechanism> = {
  mechanism: true,
  respond: true,
};
const TLS: OptionTable<ZookeeperTlsOptions> = {
  ca: true,
  cert: true,
  key: true,
  pfx: true,
  passphrase: true,
  crl: true,
  servername: true,
  rejectUnauthorized: true,
  minVersion: true,
  maxVersion: true,
  ciphers: true,
};
const MATERIALS = ['ca', 'cert', 'key', 'pfx', 'crl'] as const;
const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/**
 * Checks the options `credentials`, `tls`, `sasl` and `acl`.
 *
 * @throws {TypeError} that names the option and the fix, and never its value
 */
export function resolveSecurity(
  options: Given,
  checks: OptionChecks,
): ResolvedSecurity {
  const credentials = readCredentials(options.credentials, checks);
  const tls = readTls(options.tls, checks);
  const sasl = readSasl(options.sasl, checks);
  const acl = checks.oneOf<NodeAcl>(
    'acl',
    options.acl,
    ['creator', 'open'],
    credentials || sasl ? 'creator' : 'open',
  );
  if (acl === 'creator' && !credentials && !sasl && !tls?.hasCertificate) {
    throw checks.error(
      'acl',
      acl,
      'needs an identity that nodes can belong to: set credentials, sasl, or ' +
        'tls.cert and tls.key',
    );
  }
  return { credentials, tls, sasl, acl };
}

/** The same options, with secrets that no dump shows. */
export function hideSecrets(options: Given): Given {
  const { credentials, sasl, tls } = options;
  return {
    ...options,
    ...(isLogin(credentials, CREDENTIALS) && {
      credentials: new DigestCredentials(
        credentials.username,
        credentials.password,
      ),
    }),
    ...(isLogin(sasl, DIGEST_LOGIN) &&
      sasl.mechanism === 'DIGEST-MD5' && {
        sasl: new DigestMd5Credentials(sasl.username, sasl.password),
      }),
    ...(typeof tls === 'object' &&
      tls !== null && {
        // Read again by resolveSecurity(), and by nobody else.
        tls: hiddenTls(tls),
      }),
  };
}

function hiddenTls(tls: ZookeeperTlsOptions): object {
  return tls instanceof TlsSource ? tls : new TlsSource(tls);
}

/** Whether a value has a name and a password and nothing that is unknown. */
function isLogin<Login extends ZookeeperCredentials>(
  value: object | undefined,
  table: OptionTable<Login>,
): value is Login {
  const { username, password } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof username === 'string' &&
    typeof password === 'string' &&
    Object.keys(value ?? {}).every((name) => Object.hasOwn(table, name))
  );
}

function readCredentials(
  option: Given['credentials'],
  checks: OptionChecks,
): DigestCredentials | undefined {
  if (option === undefined) {
    return undefined;
  }
  const { username, password } =
    option instanceof DigestCredentials
      ? option
      : checks.object(option, CREDENTIALS, 'credentials');
  const isValid =
    typeof username === 'string' &&
    typeof password === 'string' &&
    /^[^:\0]+$/.test(username) &&
    /^[^\0]+$/.test(password);
  if (!isValid) {
    throw checks.error(
      'credentials',
      option,
      'need a username without ":" and a password, both not empty',
    );
  }
  return new DigestCredentials(username, password);
}

function readSasl(
  option: Given['sasl'],
  checks: OptionChecks,
): SaslLogin | undefined {
  if (option === undefined) {
    return undefined;
  }
  if (option instanceof DigestMd5Credentials) {
    return readDigestLogin(option, checks);
  }
  if (typeof option === 'object' && option !== null && 'respond' in option) {
    const { mechanism, respond } = checks.object(
      option,
      SASL_MECHANISM,
      'sasl',
    );
    if (typeof respond !== 'function') {
      throw checks.error(
        'sasl.respond',
        respond,
        'is not a function',
        '(challenge) => response',
      );
    }
    return { mechanism: checks.name('sasl.mechanism', mechanism), respond };
  }
  return readDigestLogin(checks.object(option, DIGEST_LOGIN, 'sasl'), checks);
}

function readDigestLogin(
  { mechanism, username, password }: ZookeeperDigestMd5Login,
  checks: OptionChecks,
): SaslLogin {
  if (mechanism !== 'DIGEST-MD5') {
    throw checks.error(
      'sasl.mechanism',
      mechanism,
      'is not known to this library',
      "'DIGEST-MD5', or a function sasl.respond that does it",
    );
  }
  if (
    typeof username !== 'string' ||
    typeof password !== 'string' ||
    username === '' ||
    password === ''
  ) {
    throw checks.error(
      'sasl',
      undefined,
      'needs a username and a password, both not empty',
    );
  }
  return new DigestMd5Credentials(username, password);
}

function readTls(
  option: Given['tls'],
  checks: OptionChecks,
): TlsSource | undefined {
  if (option === undefined || option === false) {
    return undefined;
  }
  if (option === true) {
    return new TlsSource({});
  }
  const given: unknown = option;
  const options = checks.object(
    given instanceof TlsSource ? given.reveal() : option,
    TLS,
    'tls',
  );
  for (const name of MATERIALS) {
    if (options[name] !== undefined && !isMaterial(options[name])) {
      throw checks.error(
        `tls.${name}`,
        undefined,
        'is neither a text, a buffer, a list of these, nor a function',
        'the path of a file, or its content',
      );
    }
  }
  const { cert, key, pfx, passphrase, servername, ciphers } = options;
  if ((cert === undefined) !== (key === undefined)) {
    const [missing, other] =
      cert === undefined ? ['cert', 'key'] : ['key', 'cert'];
    throw checks.error(
      `tls.${missing}`,
      undefined,
      `is missing, as tls.${other} is set`,
    );
  }
  if (cert !== undefined && pfx !== undefined) {
    throw checks.error(
      'tls.pfx',
      undefined,
      'is set beside tls.cert: use one of them',
    );
  }
  if (
    passphrase !== undefined &&
    typeof passphrase !== 'string' &&
    typeof passphrase !== 'function'
  ) {
    throw checks.error(
      'tls.passphrase',
      undefined,
      'is neither a text nor a function',
    );
  }
  for (const [name, text] of Object.entries({ servername, ciphers })) {
    if (text !== undefined && (typeof text !== 'string' || text === '')) {
      throw checks.error(`tls.${name}`, undefined, 'is not a text');
    }
  }
  checks.flag('tls.rejectUnauthorized', options.rejectUnauthorized, true);
  checks.oneOf('tls.minVersion', options.minVersion, TLS_VERSIONS, 'TLSv1.2');
  checks.oneOf('tls.maxVersion', options.maxVersion, TLS_VERSIONS, 'TLSv1.3');
  return new TlsSource(options);
}

function isMaterial(value: unknown): boolean {
  const isOne = (each: unknown): boolean =>
    (typeof each === 'string' && each !== '') || each instanceof Uint8Array;
  return (
    typeof value === 'function' ||
    isOne(value) ||
    (Array.isArray(value) && value.length > 0 && value.every(isOne))
  );
}
