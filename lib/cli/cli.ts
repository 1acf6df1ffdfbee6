import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { VERSION } from '../version.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import type { CliOptions, CliOutput, CliSession } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';

const EXIT_CODES_HELP = `
Exit codes:
  0    done; for status: every election has a leader
  1    something unexpected
  2    wrong arguments, or credentials that are none
  3    ZooKeeper cannot be reached, or refuses
  4    no such election or task; for status: nothing at all
  5    an election has no leader
  6    the leader has not made way in time
  130  interrupted before it was done
run ends with the exit code, or by the signal, of its command.

Credentials of ZooKeeper's digest scheme are taken from the environment variable
ZOOKEEPER_CREDENTIALS, as username:password.`;

/**
 * Runs the command line.
 *
 * @param args without the names of the interpreter and the script
 * @param signal ends `watch`
 * @returns (resolves to) the exit code; never rejects. `run` has that of its
 * command.
 */
export async function runCli(
  args: readonly string[],
  output: CliOutput,
  signal: AbortSignal,
): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = programOf(output, {
    // Loaded when it is used: the process that `run` leaves behind stays small.
    withSession: async (options, command) => {
      const { withSession } = await import('./cli-session.js');
      exitCode = await withSession(options, output, signal, command);
    },
    alone: async (command) => {
      exitCode = await command;
    },
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

interface Runners {
  readonly withSession: (
    options: CliOptions,
    command: (session: CliSession) => Promise<ExitCode>,
  ) => Promise<void>;
  readonly alone: (command: Promise<number>) => Promise<void>;
}

function programOf(
  output: CliOutput,
  { withSession, alone }: Runners,
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
    load: () => Promise<(session: CliSession) => Promise<ExitCode>>,
  ): Promise<void> =>
    withSession(options(), async (session) => {
      const { unlessAborted } = await import('./cli-session.js');
      const command = await load();
      return unlessAborted(session.signal, command(session));
    });
  program
    .command('status')
    .description('elections with leader and participants, and last runs')
    .action(() =>
      once(async () => (await import('./status.command.js')).status),
    );
  program
    .command('watch')
    .description('a line for every change, until interrupted')
    .action(() =>
      withSession(options(), async (session) => {
        const { watch } = await import('./watch.command.js');
        return watch(session);
      }),
    );
  program
    .command('history')
    .description('the runs that the ledger of a task remembers')
    .argument('<task>')
    .action((task: string) =>
      once(async () => {
        const { history } = await import('./history.command.js');
        return (session) => history(session, task);
      }),
    );
  program
    .command('resign')
    .description('asks the leader to make way, and waits until it has')
    .argument('<election>')
    .action((election: string) =>
      once(async () => {
        const { resign } = await import('./resign.command.js');
        return (session) => resign(session, election);
      }),
    );
  program
    .command('run')
    .description(
      'runs a command, such as node dist/main.js, and closes the session of an application below it that dies: the entry point of a container',
    )
    .usage('-- <command...>')
    .argument('<command...>')
    .action(async (command: string[]) => {
      const { run } = await import('./run.command.js');
      await alone(run(command, (text) => output.error(text)));
    });
  program
    .command('guardian')
    .description('does the same for the applications of other containers')
    .requiredOption('--listen <path>', 'the socket, in a folder that is shared')
    .action(async ({ listen }: { listen: string }) => {
      const { guardian } = await import('./guardian.command.js');
      await alone(guardian(listen, output));
    });
  return program;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value <= 86_400)) {
    throw new InvalidArgumentError('It is a number of seconds, up to a day.');
  }
  return value;
}
