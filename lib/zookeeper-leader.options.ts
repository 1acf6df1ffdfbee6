import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isAbsolute } from 'node:path';
import type {
  ConnectionLossPolicy,
  GuardianOptions,
  ZookeeperLeaderModuleOptions,
} from './interfaces/zookeeper-leader-options.interface.js';
import {
  describePathProblem,
  parseConnectionString,
  type ServerAddress,
} from './zookeeper/connection-string.js';
import { applicationName } from './application-name.js';
import { DEFAULT_ELECTION } from './zookeeper-leader.constants.js';
import {
  resolveLedgerOptions,
  type ResolvedLedgerOptions,
} from './leader-task.options.js';
import type { ZookeeperClientFactory } from './zookeeper/client-factory.interface.js';
import { resolveSecurity, type ResolvedSecurity } from './security-options.js';
import { OptionChecks, type OptionTable } from './validate.js';

/** The options, validated and complete. */
export interface ResolvedOptions extends ResolvedSecurity {
  readonly servers: readonly ServerAddress[];
  /** Chroot of the connection string and base path together. */
  readonly basePath: string;
  /** Undefined if it is not known. */
  readonly application: string | undefined;
  readonly sessionTimeoutMs: number;
  readonly instanceId: string;
  readonly connectionLossPolicy: ConnectionLossPolicy;
  readonly drainTimeoutMs: number;
  readonly maxStallMs: number;
  /** Undefined: a process beside the application, or that of `run`. */
  readonly guardian: false | GuardianOptions | undefined;
  /** Undefined: the library's own. */
  readonly client: ZookeeperClientFactory | undefined;
  /** All names that may be used; undefined: any. */
  readonly elections: readonly string[] | undefined;
  /** Of scheduled tasks that do not say themselves. */
  readonly ledger: ResolvedLedgerOptions | false;
  readonly standalone: boolean;
  readonly enabled: boolean;
  readonly weight: number;
  readonly priority: number;
  readonly balance: boolean;
  readonly partitionOwners: 'all' | 'highest-priority';
}

const MODULE = 'ZookeeperLeaderModule';
const checks = new OptionChecks(MODULE);

/** Every option of the module: a new one is a line here. */
const OPTIONS: OptionTable<ZookeeperLeaderModuleOptions> = {
  connectionString: true,
  basePath: true,
  application: true,
  sessionTimeoutMs: true,
  instanceId: true,
  credentials: true,
  tls: true,
  sasl: true,
  acl: true,
  client: true,
  connectionLossPolicy: true,
  drainTimeoutMs: true,
  maxStallMs: true,
  guardian: true,
  elections: true,
  ledger: true,
  standalone: true,
  enabled: true,
  weight: true,
  priority: true,
  balance: true,
  partitionOwners: true,
};

const MOST_WEIGHT = 1_000;

const GUARDIAN: OptionTable<GuardianOptions> = { socket: true };

/**
 * Checks the names of the options where they are written.
 *
 * @throws {TypeError} that names what is no option, and what was meant
 */
export function checkOptionNames(
  options: ZookeeperLeaderModuleOptions & { readonly isGlobal?: boolean },
): void {
  const isAsync = ['useFactory', 'useClass', 'useExisting'].some((name) =>
    Object.hasOwn(options ?? {}, name),
  );
  if (isAsync) {
    throw new TypeError(
      `${MODULE}.forRoot() takes the options themselves. For useFactory, ` +
        'useClass and useExisting there is forRootAsync()',
    );
  }
  checks.object(options, { ...OPTIONS, isGlobal: true });
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} that names the option, its value and the fix
 */
export function resolveOptions(
  given: ZookeeperLeaderModuleOptions,
): ResolvedOptions {
  const options = checks.object(given, OPTIONS);
  const { servers, chroot } = readConnectionString(options.connectionString);
  return Object.freeze({
    servers,
    basePath: chroot + readBasePath(options.basePath),
    application:
      options.application === undefined
        ? applicationName()
        : checks.name('application', options.application),
    sessionTimeoutMs: checks.milliseconds(
      'sessionTimeoutMs',
      options.sessionTimeoutMs,
      { least: 100, fallback: 10_000 },
    ),
    instanceId: readInstanceId(options.instanceId),
    ...resolveSecurity(options, checks),
    client: readClient(options),
    connectionLossPolicy: checks.oneOf(
      'connectionLossPolicy',
      options.connectionLossPolicy,
      ['hold-lease', 'step-down'],
      'hold-lease',
    ),
    drainTimeoutMs: checks.milliseconds(
      'drainTimeoutMs',
      options.drainTimeoutMs,
      { least: 0, fallback: 10_000 },
    ),
    maxStallMs: checks.milliseconds('maxStallMs', options.maxStallMs, {
      least: 100,
      fallback: 30_000,
    }),
    guardian: readGuardian(options.guardian),
    elections: readElections(options.elections),
    ledger: resolveLedgerOptions(options.ledger, MODULE) ?? false,
    standalone: checks.flag('standalone', options.standalone, false),
    enabled: checks.flag('enabled', options.enabled, true),
    weight: readWeight(options.weight),
    priority: readPriority(options.priority),
    balance: checks.flag('balance', options.balance, false),
    partitionOwners: checks.oneOf(
      'partitionOwners',
      options.partitionOwners,
      ['all', 'highest-priority'],
      'all',
    ),
  });
}

/**
 * @throws {TypeError} if `name` cannot be an election's name
 */
export function checkElectionName(name: unknown, where: string): void {
  checks.name(
    where,
    name,
    'the name of an election: a text of 1 to 200 characters',
  );
}

/** Another client; it knows plain connections only. */
function readClient(
  options: ZookeeperLeaderModuleOptions,
): ZookeeperClientFactory | undefined {
  const { client } = options;
  if (client === undefined) {
    return undefined;
  }
  if (typeof client !== 'object' || typeof client?.create !== 'function') {
    throw checks.error('client', client, 'is no client', 'nativeZookeeper()');
  }
  const refused = (['credentials', 'tls', 'sasl', 'guardian'] as const).find(
    (name) => options[name] !== undefined && options[name] !== false,
  );
  if (refused !== undefined || options.acl === 'creator') {
    throw checks.error(
      'client',
      client,
      `knows plain connections only, without the option ${refused ?? 'acl'}. ` +
        'Leave out one of both',
    );
  }
  return client;
}

function readConnectionString(option: unknown): {
  servers: readonly ServerAddress[];
  chroot: string;
} {
  const { ZOOKEEPER_CONNECTION_STRING } = process.env;
  const text =
    option === undefined
      ? (ZOOKEEPER_CONNECTION_STRING ?? '127.0.0.1:2181')
      : option;
  const source =
    option === undefined && ZOOKEEPER_CONNECTION_STRING !== undefined
      ? 'connectionString (from the environment variable ' +
        'ZOOKEEPER_CONNECTION_STRING)'
      : 'connectionString';
  if (typeof text !== 'string' || text.trim() === '') {
    throw checks.error(
      source,
      text,
      'is empty or not a string',
      'a text such as "host:port", or several with commas between',
    );
  }
  try {
    return parseConnectionString(text.trim());
  } catch (error) {
    // It shows the text, without what may be secret in it.
    throw checks.error(source, undefined, (error as Error).message);
  }
}

function readGuardian(option: unknown): false | GuardianOptions | undefined {
  if (option === undefined || option === false) {
    return option;
  }
  const expected =
    "false, or an object such as { socket: '/run/leader/guardian.sock' }";
  if (typeof option !== 'object') {
    throw checks.error('guardian', option, 'is unknown', expected);
  }
  const { socket } = checks.object(option, GUARDIAN, 'guardian');
  if (typeof socket !== 'string' || !isAbsolute(socket)) {
    throw checks.error(
      'guardian.socket',
      socket,
      'is not an absolute path',
      'the path that the sidecar listens at, such as /run/leader/guardian.sock',
    );
  }
  return Object.freeze({ socket });
}

function readWeight(option: unknown): number {
  const weight = option === undefined ? 1 : option;
  if (typeof weight !== 'number' || !(weight >= 0 && weight <= MOST_WEIGHT)) {
    throw checks.error(
      'weight',
      option,
      'is not a number from 0 to 1,000',
      'the share of this instance beside others, such as 1',
    );
  }
  return weight;
}

function readPriority(option: unknown): number {
  const priority = option === undefined ? 0 : option;
  if (!Number.isFinite(priority)) {
    throw checks.error(
      'priority',
      option,
      'is not a finite number',
      'a number that grows with each version, such as Number(process.env.BUILD_NUMBER)',
    );
  }
  return priority as number;
}

function readBasePath(option: unknown): string {
  const basePath = option === undefined ? '/nestjs-leader' : option;
  const problem =
    typeof basePath === 'string'
      ? basePath === '/'
        ? 'is the root, which belongs to everybody'
        : describePathProblem(basePath)
      : 'is not a string';
  if (problem !== undefined) {
    throw checks.error(
      'basePath',
      basePath,
      problem,
      'an absolute path such as "/nestjs-leader"',
    );
  }
  return basePath as string;
}

function readInstanceId(instanceId: unknown): string {
  return instanceId === undefined
    ? `${hostname()}:${process.pid}-${randomBytes(2).toString('hex')}`
    : checks.name(
        'instanceId',
        instanceId,
        'a text of 1 to 200 characters that is unique to the instance',
      );
}

function readElections(option: unknown): readonly string[] | undefined {
  if (option === undefined) {
    return undefined;
  }
  if (!Array.isArray(option)) {
    throw checks.error('elections', option, 'is not a list', "['billing']");
  }
  const names = option as unknown[];
  const elections = names.map((name, index) =>
    checks.name(
      `elections[${index}]`,
      name,
      'the name of an election: a text of 1 to 200 characters',
    ),
  );
  const duplicate = elections.find(
    (name, index) => elections.indexOf(name) !== index,
  );
  if (duplicate !== undefined) {
    throw checks.error('elections', elections, `names "${duplicate}" twice`);
  }
  return [...new Set([DEFAULT_ELECTION, ...elections])];
}
