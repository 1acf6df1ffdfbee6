import type { ZookeeperLeaderModuleOptions } from '../interfaces/zookeeper-leader-options.interface.js';
import {
  resolveOptions,
  type ResolvedOptions,
} from '../zookeeper-leader.options.js';
import { CliError, EXIT } from './exit-codes.js';

/** The options that all commands have. */
export interface CliOptions {
  readonly connect?: string;
  readonly basePath?: string;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServername?: string;
  readonly acl?: 'creator' | 'open';
  readonly json?: boolean;
  /** Seconds. */
  readonly timeout: number;
}

/**
 * @throws {CliError} `usage` for what is not valid
 */
export function resolveCliOptions(options: CliOptions): ResolvedOptions {
  const { connect, basePath, acl } = options;
  const credentials = secretOf('ZOOKEEPER_CREDENTIALS');
  const sasl = secretOf('ZOOKEEPER_SASL');
  try {
    return resolveOptions({
      ...(connect !== undefined && { connectionString: connect }),
      ...(basePath !== undefined && { basePath }),
      ...(acl !== undefined && { acl }),
      ...(credentials && { credentials }),
      ...(sasl && { sasl: { mechanism: 'DIGEST-MD5', ...sasl } }),
      tls: tlsOf(options),
    });
  } catch (error) {
    const { message } = error as Error;
    throw new CliError(EXIT.usage, message.replace(/^\w+Module: /, ''));
  }
}

function tlsOf({
  tls,
  tlsCa: ca,
  tlsCert: cert,
  tlsKey: key,
  tlsServername: servername,
}: CliOptions): NonNullable<ZookeeperLeaderModuleOptions['tls']> {
  const { ZOOKEEPER_TLS_PASSPHRASE: passphrase } = process.env;
  const given = { ca, cert, key, servername };
  const isWanted = Object.values(given).some((each) => each !== undefined);
  return isWanted ? withoutUndefined({ ...given, passphrase }) : (tls ?? false);
}

function withoutUndefined(
  values: Record<string, string | undefined>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

/** Not an argument: those of a process can be seen by others. */
function secretOf(
  variable: string,
): { username: string; password: string } | undefined {
  const given = process.env[variable];
  const [, username, password] = /^([^:]+):(.+)$/.exec(given ?? '') ?? [];
  if (given && !password) {
    throw new CliError(
      EXIT.usage,
      `${variable} has to be username:password, neither of them empty.`,
    );
  }
  return username && password ? { username, password } : undefined;
}
