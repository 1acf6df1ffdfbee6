import { resolveCliOptions, type CliOptions } from '../cli-options.js';
import { withSession, type CliOutput } from '../cli-session.js';
import { CliError, EXIT, type ExitCode } from '../exit-codes.js';
import { columns, printable } from '../text.js';
import { messageOf } from '../../message-of.js';
import type { TlsParameters } from '../../zookeeper/connection/tls-options.interface.js';
import { isZookeeperError } from '../../zookeeper/zookeeper.error.js';
import type { ResolvedOptions } from '../../zookeeper-leader.options.js';
import { bad, ok, type Finding } from './finding.js';
import { checkServer } from './server-checks.js';
import { checkSession } from './session-checks.js';

export interface DoctorOptions extends CliOptions {
  readonly sessionTimeoutMs: number;
}

const SERVER_TIMEOUT_MS = 3_000;

/**
 * `doctor`: checks what an instance on this machine would need, from the names of
 * the servers to the rights on the base path, and says what to do.
 */
export async function doctor(
  options: DoctorOptions,
  output: CliOutput,
  signal: AbortSignal,
): Promise<ExitCode> {
  const findings = await examine(options, output, signal);
  const wrong = findings.filter(({ level }) => level === 'bad').length;
  output.out(
    options.json
      ? JSON.stringify({ isWell: wrong === 0, findings }, undefined, 2)
      : describe(findings, wrong),
  );
  return wrong > 0 ? EXIT.unhealthy : EXIT.done;
}

async function examine(
  options: DoctorOptions,
  output: CliOutput,
  signal: AbortSignal,
): Promise<Finding[]> {
  const resolved = resolveCliOptions(options);
  const timeoutMs = Math.min(SERVER_TIMEOUT_MS, options.timeout * 1000);
  let tls: TlsParameters | undefined;
  try {
    tls = await resolved.tls?.read();
  } catch (error) {
    const fix = 'correct the path, or the rights of the file';
    return [bad('tls', messageOf(error), fix)];
  }
  const ofServers = await Promise.all(
    resolved.servers.map((server) => checkServer(server, timeoutMs, tls)),
  );
  return [
    ...ofServers.flat(),
    ...(await sessionFindings(options, resolved, output, signal)),
  ];
}

async function sessionFindings(
  options: DoctorOptions,
  resolved: ResolvedOptions,
  output: CliOutput,
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    return await withSession(
      options,
      output,
      signal,
      async (session) => [
        ok('session', 'ZooKeeper gives one'),
        ...(await checkSession(session, options.sessionTimeoutMs)),
      ],
      options.sessionTimeoutMs,
    );
  } catch (error) {
    if (error instanceof CliError && error.exitCode === EXIT.unreachable) {
      return [
        bad(
          'session',
          error.message.replace(/\.+$/, ''),
          isZookeeperError(error.cause, 'AUTH_FAILED')
            ? loginFix(resolved)
            : 'mend what is wrong with the servers first',
        ),
      ];
    }
    throw error;
  }
}

function loginFix({ sasl, credentials }: ResolvedOptions): string {
  if (sasl) {
    return 'set ZOOKEEPER_SASL, and the option sasl of the application, to a user of the JAAS file of the servers';
  }
  return credentials
    ? 'set ZOOKEEPER_CREDENTIALS, and the option credentials of the application, as the servers want them'
    : 'set ZOOKEEPER_SASL or ZOOKEEPER_CREDENTIALS: the servers serve nobody without a login';
}

const MARKS = { ok: 'ok', note: 'note', bad: 'BAD' } as const;

function describe(findings: readonly Finding[], wrong: number): string {
  const rows = findings.map(({ level, about, text, fix }) => [
    MARKS[level],
    printable(about),
    printable(fix === undefined ? text : `${text}. Fix: ${fix}`),
  ]);
  const verdict =
    wrong === 0
      ? 'Nothing has to be mended.'
      : `${wrong} ${wrong === 1 ? 'thing has' : 'things have'} to be mended.`;
  return `${columns(rows)}\n\n${verdict}`;
}
