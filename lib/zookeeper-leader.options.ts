import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type {
  ConnectionLossPolicy,
  ZookeeperLeaderModuleOptions,
} from './interfaces/zookeeper-leader-options.interface.js';
import {
  describePathProblem,
  parseConnectionString,
  withoutSecrets,
  type ServerAddress,
} from './zookeeper/connection-string.js';
import { DigestCredentials } from './zookeeper/digest-credentials.js';
import { DEFAULT_ELECTION } from './zookeeper-leader.constants.js';
import {
  resolveLedgerOptions,
  type ResolvedLedgerOptions,
} from './tasks/task-options.js';
import { invalidOptionMessage } from './zookeeper-leader.messages.js';

/** The options, validated and complete. */
export interface ResolvedOptions {
  readonly servers: readonly ServerAddress[];
  /** Chroot of the connection string and base path together. */
  readonly basePath: string;
  readonly sessionTimeoutMs: number;
  readonly instanceId: string;
  readonly credentials: DigestCredentials | undefined;
  readonly connectionLossPolicy: ConnectionLossPolicy;
  readonly drainTimeoutMs: number;
  readonly maxStallMs: number;
  /** All names that may be used; undefined: any. */
  readonly elections: readonly string[] | undefined;
  /** Of scheduled tasks that do not say themselves. */
  readonly ledger: ResolvedLedgerOptions | false;
  readonly standalone: boolean;
  readonly enabled: boolean;
}

const LONGEST_NAME = 200;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} that names the option, its value and the fix
 */
export function resolveOptions(
  options: ZookeeperLeaderModuleOptions,
): ResolvedOptions {
  const { servers, chroot } = readConnectionString(options.connectionString);
  const basePath = options.basePath ?? '/nestjs-leader';
  const pathProblem =
    typeof basePath === 'string'
      ? basePath === '/'
        ? 'is the root, which belongs to everybody'
        : describePathProblem(basePath)
      : 'is not a string';
  if (pathProblem) {
    throw invalid(
      'basePath',
      basePath,
      pathProblem,
      'an absolute path such as "/nestjs-leader"',
    );
  }
  const { elections: listed } = options;
  if (listed !== undefined && !Array.isArray(listed)) {
    throw invalid(
      'elections',
      listed,
      'is not a list',
      "the names of elections, such as ['billing']",
    );
  }
  const elections = listed && [...listed];
  elections?.forEach((name) => checkElectionName(name, 'elections'));
  const duplicate = elections?.find(
    (name, index) => elections.indexOf(name) !== index,
  );
  if (duplicate !== undefined) {
    throw invalid('elections', elections, `names "${duplicate}" twice`);
  }
  return Object.freeze({
    servers,
    basePath: chroot + basePath,
    sessionTimeoutMs: milliseconds(options, 'sessionTimeoutMs', 10_000, 100),
    instanceId: readInstanceId(options.instanceId),
    credentials: readCredentials(options),
    connectionLossPolicy: oneOf(options, 'connectionLossPolicy', [
      'hold-lease',
      'step-down',
    ]),
    drainTimeoutMs: milliseconds(options, 'drainTimeoutMs', 10_000, 0),
    maxStallMs: milliseconds(options, 'maxStallMs', 30_000, 100),
    elections: elections && [...new Set([DEFAULT_ELECTION, ...elections])],
    ledger: resolveLedgerOptions(options.ledger, 'the module') ?? false,
    standalone: flag(options, 'standalone', false),
    enabled: flag(options, 'enabled', true),
  });
}

/** The same options, with credentials that no dump shows. */
export function hideCredentials(
  options: ZookeeperLeaderModuleOptions,
): ZookeeperLeaderModuleOptions {
  const { username, password } = options?.credentials ?? {};
  return typeof username === 'string' && typeof password === 'string'
    ? { ...options, credentials: new DigestCredentials(username, password) }
    : options;
}

/**
 * @throws {TypeError} if `name` cannot be an election's name
 */
export function checkElectionName(name: unknown, where: string): void {
  if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME) {
    throw invalid(
      where,
      name,
      'is not the name of an election',
      `a text of 1 to ${LONGEST_NAME} characters`,
    );
  }
  if (/\p{Surrogate}/u.test(name)) {
    throw invalid(where, name, 'is not well-formed Unicode');
  }
}

function readConnectionString(option: unknown): {
  servers: readonly ServerAddress[];
  chroot: string;
} {
  const text =
    option ?? process.env.ZOOKEEPER_CONNECTION_STRING ?? '127.0.0.1:2181';
  const source =
    option === undefined &&
    process.env.ZOOKEEPER_CONNECTION_STRING !== undefined
      ? 'connectionString (from the environment variable ' +
        'ZOOKEEPER_CONNECTION_STRING)'
      : 'connectionString';
  if (typeof text !== 'string' || text.trim() === '') {
    throw invalid(
      source,
      text,
      'is empty or not a string',
      '"host:port", or several with commas between',
    );
  }
  try {
    return parseConnectionString(text.trim());
  } catch (error) {
    throw new TypeError(
      invalidOptionMessage(
        source,
        withoutSecrets(text),
        (error as Error).message,
      ),
      { cause: error },
    );
  }
}

function readInstanceId(instanceId: unknown): string {
  if (instanceId === undefined) {
    const suffix = randomBytes(2).toString('hex');
    return `${hostname()}:${process.pid}-${suffix}`;
  }
  if (
    typeof instanceId !== 'string' ||
    instanceId.trim() === '' ||
    instanceId.length > LONGEST_NAME ||
    /\p{Surrogate}/u.test(instanceId)
  ) {
    throw invalid(
      'instanceId',
      instanceId,
      'is not a name',
      `a text of 1 to ${LONGEST_NAME} characters that is unique to the instance`,
    );
  }
  return instanceId;
}

function readCredentials({
  credentials,
}: ZookeeperLeaderModuleOptions): DigestCredentials | undefined {
  if (credentials === undefined) {
    return undefined;
  }
  const { username, password } = credentials ?? {};
  const isValid =
    typeof username === 'string' &&
    typeof password === 'string' &&
    /^[^:\0]+$/.test(username) &&
    /^[^\0]+$/.test(password);
  if (!isValid) {
    // Never with its value: it is a secret.
    throw new TypeError(
      invalidOptionMessage(
        'credentials',
        undefined,
        'need a username without ":" and a password, both not empty',
      ),
    );
  }
  return new DigestCredentials(username, password);
}

function milliseconds(
  options: ZookeeperLeaderModuleOptions,
  name: 'sessionTimeoutMs' | 'drainTimeoutMs' | 'maxStallMs',
  fallback: number,
  least: number,
): number {
  const value: unknown = options[name] ?? fallback;
  if (
    !Number.isInteger(value) ||
    (value as number) < least ||
    (value as number) > LONGEST_TIMER_MS
  ) {
    throw invalid(
      name,
      value,
      'is out of range',
      `a whole number of milliseconds from ${least} to ${LONGEST_TIMER_MS}`,
    );
  }
  return value as number;
}

function flag(
  options: ZookeeperLeaderModuleOptions,
  name: 'standalone' | 'enabled',
  fallback: boolean,
): boolean {
  const value: unknown = options[name] ?? fallback;
  if (typeof value !== 'boolean') {
    throw invalid(name, value, 'is not a boolean', 'true or false');
  }
  return value;
}

function oneOf(
  options: ZookeeperLeaderModuleOptions,
  name: 'connectionLossPolicy',
  values: readonly [ConnectionLossPolicy, ConnectionLossPolicy],
): ConnectionLossPolicy {
  const value = options[name] ?? values[0];
  if (!values.includes(value)) {
    throw invalid(
      name,
      value,
      'is unknown',
      values.map((allowed) => `'${allowed}'`).join(' or '),
    );
  }
  return value;
}

function invalid(
  option: string,
  value: unknown,
  problem: string,
  expected?: string,
): TypeError {
  return new TypeError(invalidOptionMessage(option, value, problem, expected));
}
