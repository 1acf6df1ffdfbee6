import { leaderOf } from '../cluster/cluster-view.interface.js';
import { drainInstance, undrainInstance } from '../operations/drain.js';
import { partitionName } from '../partitions/partition.js';
import { requestRun } from '../tasks/requests/request-run.js';
import { pauseTask, resumeTask } from '../tasks/ledger/task-pauses.js';
import type { TaskPause } from '../tasks/leader-task-info.interface.js';
import { LeaderTaskError } from '../tasks/leader-task.error.js';
import { readCluster, type CliSession } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';
import { auditedHere, operator } from './operator.js';
import { durationText } from '../duration-text.js';
import { columns, printable, time } from './text.js';

/** `pause <task>`: nobody runs it until it is resumed. */
export async function pause(
  session: CliSession,
  task: string,
  { reason }: { reason?: string },
): Promise<ExitCode> {
  const names = await namesOf(session, task);
  const found = await auditedHere(session, 'pause-task', task, async () => {
    const pauses = await Promise.all(
      names.map((each) =>
        pauseTask(session, each, {
          by: operator(),
          ...(reason !== undefined && { reason }),
        }),
      ),
    );
    const result = pauses[0] as TaskPause;
    return { outcome: `Paused by ${result.by}.`, result };
  });
  const why = found.reason === undefined ? '' : `: ${found.reason}`;
  tell(
    session,
    { task, ...found },
    `"${task}" is paused by ${found.by} since ${time(found.at)}${why}`,
  );
  return EXIT.done;
}

/** `resume <task>`. */
export async function resume(
  session: CliSession,
  task: string,
  { catchUp = false }: { catchUp?: boolean },
): Promise<ExitCode> {
  const names = await namesOf(session, task);
  const wasPaused = await auditedHere(
    session,
    'resume-task',
    task,
    async () => {
      const resumed = await Promise.all(
        names.map((each) => resumeTask(session, each, catchUp)),
      );
      const result = resumed.includes(true);
      return { outcome: result ? 'Resumed.' : 'It was not paused.', result };
    },
  );
  tell(
    session,
    { task, wasPaused },
    wasPaused ? `"${task}" is resumed.` : `"${task}" was not paused.`,
  );
  return EXIT.done;
}

/** `run <task>`: the leader runs it now. */
export async function run(
  session: CliSession,
  task: string,
  { force = false }: { force?: boolean },
): Promise<ExitCode> {
  const done = await auditedHere(session, 'run-task', task, async () => {
    const result = await requestRun({
      nodes: session,
      task,
      requestedBy: operator(),
      isForced: force,
      answerWithinMs: session.options.timeout * 1000,
      signal: session.signal,
      leaderToken: (claimed) => leaderToken(session, claimed),
    }).catch(asCliError);
    return { outcome: result.outcome, result };
  });
  const { outcome, instanceId, durationMs, reason, error } = done;
  const took =
    durationMs === undefined ? '' : ` in ${durationText(durationMs)}`;
  const why = [reason, error].filter((each) => each !== undefined).join(': ');
  tell(
    session,
    done,
    `"${task}" on ${instanceId}: ${outcome}${took}${why && ` (${why})`}`,
  );
  return outcome === 'finished' ? EXIT.done : EXIT.failing;
}

/** `drain <instance>` and `undrain <instance>`. */
export async function drain(
  session: CliSession,
  instanceId: string,
  isWanted: boolean,
): Promise<ExitCode> {
  const { instances } = await readCluster(session);
  const present = instances.map((each) => each.instanceId);
  if (isWanted && !present.includes(instanceId)) {
    throw new CliError(
      EXIT.notFound,
      `No instance "${instanceId}" is connected. Those that are: ` +
        `${present.map(printable).join(', ') || 'none'}.`,
    );
  }
  const action = isWanted ? 'drain' : 'undrain';
  const message = await auditedHere(session, action, instanceId, async () => {
    if (isWanted) {
      await drainInstance(session, instanceId, operator());
      const result = `${instanceId} leaves all elections until it is undrained.`;
      return { outcome: result, result };
    }
    const result = (await undrainInstance(session, instanceId))
      ? `${instanceId} takes part again.`
      : `${instanceId} was not drained.`;
    return { outcome: result, result };
  });
  tell(session, { instanceId, message }, message);
  return EXIT.done;
}

/** `audit`: what people have done, the newest last. */
export async function audit(session: CliSession): Promise<ExitCode> {
  const entries = (await readCluster(session)).audit;
  const text =
    entries.length === 0
      ? 'Nobody has done anything from outside.'
      : columns(
          entries.map(({ at, by, action, target, outcome, from }) =>
            [time(at), by, `${action} ${target}`, outcome, from].map(printable),
          ),
        );
  session.output.out(
    session.options.json ? JSON.stringify(entries, undefined, 2) : text,
  );
  return EXIT.done;
}

/**
 * What a task is kept by: its name, or with partitions those of all of them. A slip
 * of the pen would pause a task that does not exist.
 */
async function namesOf(session: CliSession, task: string): Promise<string[]> {
  const view = await readCluster(session);
  const members = view.partitions.flatMap((each) =>
    each.group === task ? [each, ...each.members] : [],
  );
  const count = Math.max(0, ...members.map(({ partitions }) => partitions));
  const isKnown =
    view.ledgers.some((each) => each.task === task) ||
    view.elections.some(({ participants }) =>
      participants.some((each) => each.tasks?.names.includes(task)),
    );
  if (!isKnown && count === 0) {
    session.output.error(
      `Nothing is recorded of a task "${printable(task)}" below ` +
        `${session.paths.base}: it has never run, or its name, --base-path or ` +
        '--connect is wrong.',
    );
  }
  return [
    ...(isKnown || count === 0 ? [task] : []),
    ...Array.from({ length: count }, (_, each) => partitionName(task, each)),
  ];
}

/** Of any leader: which election the task belongs to only its instances know. */
async function leaderToken(
  session: CliSession,
  claimed?: number,
): Promise<number | undefined> {
  const { elections } = await readCluster(session);
  const tokens = elections.flatMap((each) => {
    const leader = leaderOf(each);
    return leader ? [leader.fencingToken] : [];
  });
  return claimed !== undefined && tokens.includes(claimed)
    ? claimed
    : tokens[0];
}

function asCliError(error: unknown): never {
  if (error instanceof LeaderTaskError) {
    const codes: Partial<Record<string, ExitCode>> = {
      NO_LEADER: EXIT.leaderless,
      NO_ANSWER: EXIT.timedOut,
      NO_PERMISSION: EXIT.unreachable,
    };
    throw new CliError(codes[error.code] ?? EXIT.failed, error.message);
  }
  throw error;
}

function tell(session: CliSession, value: unknown, text: string): void {
  session.output.out(
    session.options.json
      ? JSON.stringify(value, undefined, 2)
      : printable(text),
  );
}
