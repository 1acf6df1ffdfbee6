import {
  Command,
  CommanderError,
  InvalidArgumentError,
  Option,
} from 'commander';
import { messageOf } from '../message-of.js';
import { VERSION } from '../version.js';
import {
  isConnectionError,
  isZookeeperError,
} from '../zookeeper/zookeeper.error.js';
import type { CliOptions } from './cli-options.js';
import type { CliOutput, CliSession } from './cli-session.js';
import type { DevServerOptions } from './dev-server.command.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';

const EXIT_CODES_HELP = `
Exit codes:
  0    done; for status: there are instances, and all is led and owned
  1    something unexpected
  2    invalid arguments, or malformed credentials
  3    ZooKeeper cannot be reached, or refuses
  4    no such election, task or instance; for status: no instance at all
  5    an election has no leader
  6    what was asked for has not been done in time
  7    for tasks: the last run of a task did not end well; for run --on-leader:
       the run failed or was skipped
  8    for doctor: something has to be mended
  9    for status and partitions: a partition has had no owner for 5 s
  10   for status: a leader is of another application or version; for status and
       partitions: several applications share partitions
  130  interrupted before it was done
run ends with the exit code, or by the signal, of its command.

Secrets are taken from environment variables:
  ZOOKEEPER_CREDENTIALS     username:password of ZooKeeper's digest scheme
  ZOOKEEPER_SASL            username:password of a login by SASL DIGEST-MD5
  ZOOKEEPER_TLS_PASSPHRASE  of the file of --tls-key`;

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
  const program = programOf(output, signal, async (command) => {
    exitCode = await command;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has written its message already.
      return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    }
    output.error(messageOf(error));
    if (error instanceof CliError) {
      return error.exitCode;
    }
    return isConnectionError(error) || isZookeeperError(error, 'NO_AUTH')
      ? EXIT.unreachable
      : EXIT.failed;
  }
}

type Commands = typeof import('./session-commands.js');

/** @param use takes the exit code that a command comes to */
function programOf(
  output: CliOutput,
  signal: AbortSignal,
  use: (command: Promise<number>) => Promise<void>,
): Command {
  const program = new Command('nestjs-zookeeper-leader')
    .description('Who leads, since when, and did the tasks run?')
    .version(VERSION)
    .option(
      '--connect <servers>',
      'host:port, several with commas between (default: env ZOOKEEPER_CONNECTION_STRING, else 127.0.0.1:2181)',
    )
    .option('--base-path <path>', 'as in the module', '/nestjs-leader')
    .option('--tls', 'encrypt, with the authorities that Node.js trusts')
    .option('--tls-ca <file>', 'encrypt, and trust these authorities')
    .option('--tls-cert <file>', 'encrypt, and show this certificate')
    .option('--tls-key <file>', 'the key of --tls-cert')
    .option('--tls-servername <name>', 'in the certificates of the servers')
    .addOption(
      new Option(
        '--acl <who>',
        'who may use what is created, as in the module',
      ).choices(['creator', 'open']),
    )
    .option('--json', 'write JSON')
    .option('--timeout <seconds>', 'how long to wait at most', seconds, 15)
    .addHelpText('after', EXIT_CODES_HELP)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text.trimEnd()),
      writeErr: (text) => output.error(text.trimEnd()),
    });
  const options = (): CliOptions => program.opts();
  // Loaded when it is used: the process that `run` leaves behind stays small.
  const load = (): Promise<Commands> => import('./session-commands.js');
  const inSession = async (
    command: (session: CliSession, commands: Commands) => Promise<ExitCode>,
  ): Promise<void> => {
    const commands = await load();
    await use(
      commands.withSession(options(), output, signal, (session) =>
        command(session, commands),
      ),
    );
  };
  const once = (
    command: (commands: Commands, session: CliSession) => Promise<ExitCode>,
  ): Promise<void> =>
    inSession((session, commands) =>
      commands.unlessAborted(session.signal, command(commands, session)),
    );
  program
    .command('status')
    .description('who leads, who owns which partitions, and last runs')
    .action(() => once(({ status }, session) => status(session)));
  program
    .command('watch')
    .description('a line for every change, until interrupted')
    .action(() => inSession((session, { watch }) => watch(session)));
  program
    .command('partitions')
    .description('the owner of every partition, and who shares them')
    .argument('[name]', 'of a task or a group; all without')
    .action((name?: string) =>
      once(({ partitions }, session) => partitions(session, name)),
    );
  program
    .command('history')
    .description('the runs that the ledger of a task remembers')
    .argument('<task>')
    .action((task: string) =>
      once(({ history }, session) => history(session, task)),
    );
  program
    .command('tasks')
    .description('how the tasks with a run ledger do, those that fail first')
    .action(() => once(({ tasks }, session) => tasks(session)));
  program
    .command('ledgers')
    .description('the run ledgers that there are, the longest unused first')
    .action(() => once(({ ledgers }, session) => ledgers(session)))
    .command('remove')
    .description('forgets the runs of a task')
    .argument('<task>')
    .action((task: string) =>
      once(({ removeLedger }, session) => removeLedger(session, task)),
    );
  program
    .command('pause')
    .description('nobody runs a task until it is resumed')
    .argument('<task>')
    .option('--reason <text>', 'why, for those who wonder')
    .action((task: string, own: { reason?: string }) =>
      once(({ pause }, session) => pause(session, task, own)),
    );
  program
    .command('resume')
    .description('ends the pause of a task')
    .argument('<task>')
    .option('--catch-up', 'ticks of the pause count as missed')
    .action((task: string, own: { catchUp?: boolean }) =>
      once(({ resume }, session) => resume(session, task, own)),
    );
  program
    .command('drain')
    .description('has an instance leave all elections until it is undrained')
    .argument('<instance>')
    .action((id: string) =>
      once(({ drain }, session) => drain(session, id, true)),
    );
  program
    .command('undrain')
    .description('lets a drained instance take part again')
    .argument('<instance>')
    .action((id: string) =>
      once(({ drain }, session) => drain(session, id, false)),
    );
  program
    .command('audit')
    .description('who resigned, ran, paused and drained, from where')
    .action(() => once(({ audit }, session) => audit(session)));
  program
    .command('doctor')
    .description('checks from here what an instance needs, and says the fix')
    .option('--session-timeout <ms>', 'as in the module', milliseconds, 10_000)
    .action(async (own: { sessionTimeout: number }) => {
      const { doctor, unlessAborted } = await load();
      const doctorOptions = {
        ...options(),
        sessionTimeoutMs: own.sessionTimeout,
      };
      await use(unlessAborted(signal, doctor(doctorOptions, output, signal)));
    });
  program
    .command('resign')
    .description('asks the leader to make way, and waits until it has')
    .argument('<election>')
    .action((election: string) =>
      once(({ resign }, session) => resign(session, election)),
    );
  program
    .command('run')
    .description(
      'the entry point of a container: runs a command, such as node dist/main.js, ' +
        'and closes the session of an application below it that dies; with ' +
        '--on-leader: the leader runs a task now, and tells what became of it',
    )
    .usage('-- <command...>\n       run --on-leader <task>')
    .argument('<command...>')
    .option('--on-leader', 'run a task on the leader')
    .option('--force', 'also a task that is paused, switched off, or running')
    .action(
      async (words: string[], own: { onLeader?: boolean; force?: boolean }) => {
        const [task = '', second] = words;
        if (own.onLeader) {
          if (second !== undefined) {
            program.error(
              `error: run --on-leader takes one task, not "${second}"`,
            );
          }
          await once(({ run }, session) => run(session, task, own));
          return;
        }
        if (own.force) {
          program.error(
            'error: --force belongs to --on-leader; write -- before a command with options',
          );
        }
        const { run } = await import('./run.command.js');
        await use(run(words, (text) => output.error(text)));
      },
    );
  program
    .command('guardian')
    .description('does the same for the applications of other containers')
    .requiredOption('--listen <path>', 'the socket, in a folder that is shared')
    .action(async ({ listen }: { listen: string }) => {
      const { guardian } = await import('./guardian.command.js');
      await use(guardian(listen, output));
    });
  program
    .command('dev-server')
    .description(
      'a fake ZooKeeper in memory, for development without Java; not for production',
    )
    .option('--port <port>', 'on 127.0.0.1; 0: a free one', port, 2181)
    .option('--release <release>', 'that it stands in for: 3.8 or 3.9', '3.9')
    .action(async (own: DevServerOptions) => {
      const { devServer } = await import('./dev-server.command.js');
      await use(devServer(own, output, signal));
    });
  return program;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) {
    throw new InvalidArgumentError('It is a port, from 0 to 65535.');
  }
  return value;
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
