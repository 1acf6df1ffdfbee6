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
import { history } from './history.command.js';
import { ledgers, removeLedger } from './ledgers.command.js';
import { resign } from './resign.command.js';
import { status } from './status.command.js';
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
  const program = programOf(output, async (options, command) => {
    exitCode = await withSession(options, output, signal, command);
  });
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
    .command('resign')
    .description('asks the leader to make way, and waits until it has')
    .argument('<election>')
    .action((election: string) => once((session) => resign(session, election)));
  return program;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 86_400)) {
    throw new InvalidArgumentError('It is a number of seconds, up to a day.');
  }
  return value;
}
