import { once } from 'node:events';
import { skip } from 'rxjs';
import {
  leaderOf,
  type ClusterView,
} from '../cluster/cluster-view.interface.js';
import { readCluster, unlessAborted, type CliSession } from './cli-session.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { isEmpty, nothingMessage } from './status.command.js';
import { PartitionMoves } from './partition-moves.js';
import { durationText } from '../duration-text.js';
import { printable, time } from './text.js';

/** Something that has changed, as `watch --json` tells it. */
interface Change {
  readonly type:
    | 'leader'
    | 'leaderless'
    | 'foreign'
    | 'joined'
    | 'left'
    | 'run'
    | 'owner'
    | 'unowned';
  readonly text: string;
  readonly [detail: string]: unknown;
}

/** `watch`: a line for every change, until it is interrupted. */
export async function watch(session: CliSession): Promise<ExitCode> {
  const { client, watcher, options, output, signal, paths } = session;
  if (isEmpty(await unlessAborted(signal, readCluster(session)))) {
    output.error(nothingMessage(paths.base));
  }
  const tell = (change: Change): void => {
    const at = new Date();
    const { text, ...details } = change;
    output.out(
      options.json
        ? JSON.stringify({ at, ...details })
        : `${time(at)}  ${text}`,
    );
  };
  let known = new Map<string, Change>();
  const moves = new PartitionMoves();
  const changes = watcher.changes$.subscribe(() => {
    const view = watcher.view();
    if (view.isComplete) {
      const present = factsOf(view);
      for (const change of [
        ...differences(known, present),
        ...moves.since(view.partitions).map((move) => ({ ...move })),
      ]) {
        tell(change);
      }
      known = present;
    }
  });
  const connections = client.connection$
    .pipe(skip(1))
    .subscribe(({ state }) =>
      output.error(`${time(new Date())}  connection to ZooKeeper: ${state}`),
    );
  const release = watcher.use();
  if (!signal.aborted) {
    await once(signal, 'abort');
  }
  release();
  changes.unsubscribe();
  connections.unsubscribe();
  return EXIT.done;
}

/** What is the case, each under a key that changes with it. */
function factsOf({
  elections,
  partitions,
  ledgers,
}: ClusterView): Map<string, Change> {
  const facts = new Map<string, Change>();
  for (const view of elections) {
    const { election, participants } = view;
    const leader = leaderOf(view);
    const name = `election "${printable(election)}"`;
    if (leader) {
      const { instanceId, fencingToken, leaderSince } = leader;
      facts.set(
        JSON.stringify(['leader', election, fencingToken, leaderSince]),
        {
          type: 'leader',
          text: `${name}: ${printable(instanceId)} leads, fencing token ${fencingToken}`,
          election,
          instanceId,
          fencingToken,
          leaderSince,
        },
      );
    } else {
      facts.set(JSON.stringify(['leaderless', election]), {
        type: 'leaderless',
        text: `${name}: nobody leads`,
        election,
      });
    }
    for (const warning of view.warnings) {
      facts.set(JSON.stringify(['foreign', election, warning]), {
        type: 'foreign',
        text: `${name}: ${printable(warning)}`,
        election,
        warning,
      });
    }
    for (const { node, instanceId } of participants) {
      facts.set(JSON.stringify(['joined', election, node]), {
        type: 'joined',
        text: `${name}: ${printable(instanceId)} takes part`,
        election,
        instanceId,
      });
    }
  }
  for (const { group, warnings } of partitions) {
    for (const warning of warnings) {
      facts.set(JSON.stringify(['foreign partitions', group, warning]), {
        type: 'foreign',
        text: `partitions "${printable(group)}": ${printable(warning)}`,
        partitions: group,
        warning,
      });
    }
  }
  for (const { task, runs } of ledgers) {
    for (const run of runs) {
      const took =
        run.durationMs === undefined
          ? ''
          : ` in ${durationText(run.durationMs)}`;
      facts.set(
        JSON.stringify(['run', task, run.tick, run.attempt, run.outcome]),
        {
          type: 'run',
          text: `task "${printable(task)}": tick ${time(run.tick)} ${run.outcome}${took} on ${printable(run.instanceId)}${run.error === undefined ? '' : `: ${printable(run.error)}`}`,
          task,
          ...run,
        },
      );
    }
  }
  return facts;
}

function differences(
  former: ReadonlyMap<string, Change>,
  present: ReadonlyMap<string, Change>,
): Change[] {
  const isFirst = former.size === 0;
  const gone = [...former]
    .filter(([key, { type }]) => type === 'joined' && !present.has(key))
    .map(([, change]) => ({
      ...change,
      type: 'left' as const,
      text: change.text.replace(/ takes part$/, ' has left'),
    }));
  const come = [...present]
    // The past is what `history` is for.
    .filter(
      ([key, { type }]) => !former.has(key) && !(isFirst && type === 'run'),
    )
    .map(([, change]) => change);
  return [...gone, ...come];
}
