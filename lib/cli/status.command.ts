import {
  leaderOf,
  type ClusterView,
  type ElectionView,
  type LedgerView,
} from '../cluster/cluster-view.interface.js';
import { readCluster, type CliSession } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';
import { columns, duration, printable, time } from './text.js';

/** `status`: who leads, since when, who is next, and the last run of each task. */
export async function status(session: CliSession): Promise<ExitCode> {
  const view = await readCluster(session);
  const { output, paths } = session;
  if (session.options.json) {
    output.out(JSON.stringify(view, undefined, 2));
  } else {
    output.out(describe(view, paths.base));
  }
  if (isEmpty(view)) {
    throw new CliError(EXIT.notFound, nothingMessage(paths.base));
  }
  return view.elections.every((each) => leaderOf(each))
    ? EXIT.done
    : EXIT.leaderless;
}

/** Not even an instance that has been there at any time. */
export function isEmpty({ elections, ledgers, instances }: ClusterView) {
  return elections.length + ledgers.length + instances.length === 0;
}

export function nothingMessage(basePath: string): string {
  return (
    `There is nothing below ${basePath}. No instance has been started yet, or ` +
    'another --base-path or --connect is meant.'
  );
}

function describe(view: ClusterView, basePath: string): string {
  const { elections, ledgers, instances } = view;
  const blocks = [
    `${count(instances.length, 'instance')} below ${basePath}`,
    ...elections.map(describeElection),
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
      `(${age(since)}), fencing token ${leader.fencingToken}`
    : `${name}: nobody leads`;
  const rows = view.participants.map((participant, index) => [
    `  ${index + 1}.`,
    printable(participant.instanceId),
    participant === leader ? 'leads' : `joined ${time(participant.joinedAt)}`,
    printable(
      [participant.host, participant.pid && `pid ${participant.pid}`]
        .filter(Boolean)
        .join(', '),
    ),
  ]);
  const more = view.participantCount - view.participants.length;
  return [
    title,
    ...(rows.length > 0 ? [columns(rows)] : []),
    ...(more > 0 ? [`  and ${more} more`] : []),
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
  const took = durationMs === undefined ? '' : ` in ${duration(durationMs)}`;
  return `${time(tick)}  ${outcome}${took} on ${printable(instanceId)}`;
}

function age(since: Date): string {
  return `for ${duration(Math.max(0, Date.now() - since.getTime()))}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
