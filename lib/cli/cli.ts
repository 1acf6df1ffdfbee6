import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { VERSION } from '../version.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import {
  unlessAborted,
  withSession,
  type CliOptions,
  type CliOutput,
  type CliSession,
} from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';
import { doctor, type DoctorOptions } from './doctor/doctor.command.js';
import { history } from './history.command.js';
import { ledgers, removeLedger } from './ledgers.command.js';
import { resign } from './resign.command.js';
import { status } from './status.command.js';
import {
  audit,
  drain,
  pause,
  resume,
  run as runTask,
} from './steer.commands.js';
import { tasks } from './tasks.command.js';
import { watch } from './watch.command.js';

const EXIT_CODES_HELP = `
Exit codes:
  0    done; for status: there are instances, and every election has a leader
  1    something unexpected
  2    invalid arguments, or malformed credentials
  3    ZooKeeper cannot be reached, or refuses
  4    no such election, task or instance; for status: no instance at all
  5    an election has no leader
  6    what was asked for has not been done in time
  7    for tasks: the last run of a task did not end well
  8    for doctor: something has to be mended
  130  interrupted before it was done

Credentials of ZooKeeper's digest scheme are taken from the environment variable
ZOOKEEPER_CREDENTIALS, as username:password.`;

/**
 * Runs the command line.
 *
 * @param args without the names of the interpreter and the script
 * @param signal ends `watch`
 * @returns (resolves to) the exit code; never rejects
 */
export async function runCli(
  args: readonly string[],
  output: CliOutput,
  signal: AbortSignal,
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = programOf(
    output,
    async (options, command) => {
      exitCode = await withSession(options, output, signal, command);
    },
    async (options) => {
      exitCode = await unlessAborted(signal, doctor(options, output, signal));
    },
  );
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has written its message already.
      return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    }
    output.error(error instanceof Error ? error.message : String(error));
    if (error instanceof CliError) {
      return error.exitCode;
    }
    return isConnectionError(error) || isZookeeperError(error, 'NO_AUTH')
      ? EXIT.unreachable
      : EXIT.failed;
  }
}

function programOf(
  output: CliOutput,
  run: (
    options: CliOptions,
    command: (session: CliSession) => Promise<ExitCode>,
  ) => Promise<void>,
  runDoctor: (options: DoctorOptions) => Promise<void>,
): Command {
  const program = new Command('nestjs-zookeeper-leader')
    .description('Who leads, since when, and did the tasks run?')
    .version(VERSION)
    .option(
      '--connect <servers>',
      'host:port, several with commas between (default: env ZOOKEEPER_CONNECTION_STRING, else 127.0.0.1:2181)',
    )
    .option('--base-path <path>', 'as in the module', '/nestjs-leader')
    .option('--json', 'write JSON')
    .option('--timeout <seconds>', 'how long to wait at most', seconds, 15)
    .addHelpText('after', EXIT_CODES_HELP)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text.trimEnd()),
      writeErr: (text) => output.error(text.trimEnd()),
    });
  const options = (): CliOptions => program.opts();
  const once = (
    command: (session: CliSession) => Promise<ExitCode>,
  ): Promise<void> =>
    run(options(), (session) =>
      unlessAborted(session.signal, command(session)),
    );
  program
    .command('status')
    .description('elections with leader and participants, and last runs')
    .action(() => once(status));
  program
    .command('watch')
    .description('a line for every change, until interrupted')
    .action(() => run(options(), watch));
  program
    .command('history')
    .description('the runs that the ledger of a task remembers')
    .argument('<task>')
    .action((task: string) => once((session) => history(session, task)));
  program
    .command('tasks')
    .description('how the tasks with a run ledger do, those that fail first')
    .action(() => once(tasks));
  program
    .command('ledgers')
    .description('the run ledgers that there are, the longest unused first')
    .action(() => once(ledgers))
    .command('remove')
    .description('forgets the runs of a task')
    .argument('<task>')
    .action((task: string) => once((session) => removeLedger(session, task)));
  program
    .command('run')
    .description('the leader runs a task now, and tells what became of it')
    .argument('<task>')
    .option('--on-leader', 'where it runs; there is no other choice from here')
    .option('--force', 'also if it is paused, switched off, or running')
    .action((task: string, own: { force?: boolean }) =>
      once((session) => runTask(session, task, own)),
    );
  program
    .command('pause')
    .description('nobody runs a task until it is resumed')
    .argument('<task>')
    .option('--reason <text>', 'why, for those who wonder')
    .action((task: string, own: { reason?: string }) =>
      once((session) => pause(session, task, own)),
    );
  program
    .command('resume')
    .description('ends the pause of a task')
    .argument('<task>')
    .option('--catch-up', 'ticks of the pause count as missed')
    .action((task: string, own: { catchUp?: boolean }) =>
      once((session) => resume(session, task, own)),
    );
  program
    .command('drain')
    .description('has an instance leave all elections until it is undrained')
    .argument('<instance>')
    .action((id: string) => once((session) => drain(session, id, true)));
  program
    .command('undrain')
    .description('lets a drained instance take part again')
    .argument('<instance>')
    .action((id: string) => once((session) => drain(session, id, false)));
  program
    .command('audit')
    .description('who resigned, ran, paused and drained, from where')
    .action(() => once(audit));
  program
    .command('doctor')
    .description('checks from here what an instance needs, and says the fix')
    .option('--session-timeout <ms>', 'as in the module', milliseconds, 10_000)
    .action((own: { sessionTimeout: number }) =>
      runDoctor({ ...options(), sessionTimeoutMs: own.sessionTimeout }),
    );
  program
    .command('resign')
    .description('asks the leader to make way, and waits until it has')
    .argument('<election>')
    .action((election: string) => once((session) => resign(session, election)));
  return program;
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 100) {
    throw new InvalidArgumentError('It is a number of milliseconds, from 100.');
  }
  return value;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 86_400)) {
    throw new InvalidArgumentError('It is a number of seconds, up to a day.');
  }
  return value;
}
