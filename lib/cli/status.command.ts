import {
  leaderOf,
  type ClusterView,
  type ElectionView,
  type LedgerView,
} from '../cluster/cluster-view.interface.js';
import { taskStateOf } from '../cluster/task-state.js';
import { verdictOf, verdictText, type Verdict } from '../cluster/verdict.js';
import { readSettled, type CliSession } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';
import { durationText } from '../duration-text.js';
import { describeGroup } from './partitions.text.js';
import { age, columns, printable, time } from './text.js';

/**
 * `status`: who leads, since when, who is next, who owns which partitions, and
 * the last run of each task.
 */
export async function status(session: CliSession): Promise<ExitCode> {
  const view = await readSettled(session);
  const { output, paths } = session;
  const verdict = verdictOf(view, failingTasks(view));
  if (session.options.json) {
    output.out(JSON.stringify({ verdict, ...view }, undefined, 2));
  } else {
    output.out(describe(view, verdict, paths.base));
  }
  if (view.instances.length === 0) {
    throw new CliError(
      EXIT.notFound,
      isEmpty(view)
        ? nothingMessage(paths.base)
        : `No instance is connected below ${paths.base}: nobody leads, and nothing runs.`,
    );
  }
  if (view.elections.length === 0) {
    throw new CliError(
      EXIT.leaderless,
      `There is no election below ${paths.base}: the instances take part in none.`,
    );
  }
  if (verdict.leaderless.length > 0) {
    return EXIT.leaderless;
  }
  if (verdict.unowned?.length) {
    return EXIT.unowned;
  }
  const isMixed = verdict.foreign.length + verdict.shared.length > 0;
  return isMixed ? EXIT.foreignLeader : EXIT.done;
}

/** Whether no instance has ever been there. */
export function isEmpty({ elections, ledgers, instances }: ClusterView) {
  return elections.length + ledgers.length + instances.length === 0;
}

export function nothingMessage(basePath: string): string {
  return (
    `There is nothing below ${basePath}. No instance has been started yet, or ` +
    'another --base-path or --connect is meant.'
  );
}

/** Names of the tasks whose last run, by their ledgers, did not end well. */
function failingTasks({ ledgers }: ClusterView): string[] {
  return ledgers
    .filter(({ runs, problem }) => taskStateOf(runs, problem).isFailing)
    .map(({ task }) => task);
}

function describe(
  view: ClusterView,
  verdict: Verdict,
  basePath: string,
): string {
  const { elections, ledgers } = view;
  const blocks = [
    `${verdictText(verdict)} below ${basePath}`,
    ...elections.map(describeElection),
    ...view.partitions.map(describeGroup),
    ...(ledgers.length > 0 ? [describeLedgers(ledgers)] : []),
    ...(view.isTruncated ? ['There is more than is listed here.'] : []),
  ];
  if (elections.length === 0) {
    blocks.push('No elections.');
  }
  return blocks.join('\n\n');
}

function describeElection(view: ElectionView): string {
  const leader = leaderOf(view);
  const name = `Election "${printable(view.election)}"`;
  const since = leader?.leaderSince as Date;
  const title = leader
    ? `${name}: ${printable(leader.instanceId)} leads since ${time(since)} ` +
      `(for ${age(since)}), fencing token ${leader.fencingToken}`
    : `${name}: nobody leads`;
  const { assignedTo } = view;
  const balance =
    assignedTo === undefined || assignedTo === leader?.instanceId
      ? ''
      : `, assigned to ${printable(assignedTo)}`;
  const rows = view.participants.map((participant, index) => [
    `  ${index + 1}.`,
    printable(participant.instanceId),
    participant === leader ? 'leads' : `joined ${time(participant.joinedAt)}`,
    printable(
      [
        view.warnings.length > 0 && participant.application,
        participant.host,
        participant.pid && `pid ${participant.pid}`,
        participant.priority && `priority ${participant.priority}`,
      ]
        .filter(Boolean)
        .join(', '),
    ),
  ]);
  const more = view.participantCount - view.participants.length;
  return [
    title + balance,
    ...(rows.length > 0 ? [columns(rows)] : []),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...view.warnings.map((warning) => `  ${printable(warning)}`),
  ].join('\n');
}

function describeLedgers(ledgers: readonly LedgerView[]): string {
  const rows = ledgers.map((ledger) => [
    `  ${printable(ledger.task)}`,
    describeLastRun(ledger),
  ]);
  return `Last runs of tasks with a run ledger\n${columns(rows)}`;
}

function describeLastRun({ runs: [last], problem }: LedgerView): string {
  if (problem !== undefined) {
    return printable(problem);
  }
  if (!last) {
    return 'never run';
  }
  const { tick, outcome, durationMs, instanceId } = last;
  const took =
    durationMs === undefined ? '' : ` in ${durationText(durationMs)}`;
  return `${time(tick)}  ${outcome}${took} on ${printable(instanceId)}`;
}
