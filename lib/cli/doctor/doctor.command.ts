import {
  resolveCliOptions,
  withSession,
  type CliOptions,
  type CliOutput,
} from '../cli-session.js';
import { CliError, EXIT, type ExitCode } from '../exit-codes.js';
import { columns, printable } from '../text.js';
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
  const { servers } = resolveCliOptions(options);
  const timeoutMs = Math.min(SERVER_TIMEOUT_MS, options.timeout * 1000);
  const ofServers = await Promise.all(
    servers.map((server) => checkServer(server, timeoutMs)),
  );
  const findings = [
    ...ofServers.flat(),
    ...(await sessionFindings(options, output, signal)),
  ];
  const wrong = findings.filter(({ level }) => level === 'bad').length;
  output.out(
    options.json
      ? JSON.stringify({ isWell: wrong === 0, findings }, undefined, 2)
      : describe(findings, wrong),
  );
  return wrong > 0 ? EXIT.unhealthy : EXIT.done;
}

async function sessionFindings(
  options: DoctorOptions,
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
          'mend what is wrong with the servers first',
        ),
      ];
    }
    throw error;
  }
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
