import { filter, firstValueFrom, merge, race, timer } from 'rxjs';
import { ClusterWatcher } from '../cluster/cluster-watcher.js';
import type { ClusterView } from '../cluster/cluster-view.interface.js';
import { ReadBudget } from '../cluster/read-budget.js';
import { UNOWNED_DUE_MS } from '../cluster/verdict.js';
import { NodePaths } from '../node-paths.js';
import { WireClient } from '../zookeeper/wire-client.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { isZookeeperError } from '../zookeeper/zookeeper.error.js';
import { resolveCliOptions, type CliOptions } from './cli-options.js';
import { CliError, EXIT } from './exit-codes.js';

/** Where a command writes. */
export interface CliOutput {
  out(text: string): void;
  error(text: string): void;
}

/** The command line's connection to ZooKeeper. */
export interface CliSession {
  readonly client: ZookeeperClient;
  readonly paths: NodePaths;
  readonly watcher: ClusterWatcher;
  readonly options: CliOptions;
  readonly output: CliOutput;
  /** Aborts when the command shall end. */
  readonly signal: AbortSignal;
}

const SESSION_TIMEOUT_MS = 10_000;
/** A command reads once, and somebody waits for it. */
const READS_PER_SECOND = 1_000;

/**
 * Connects, has `command` do its work, and disconnects.
 *
 * @throws {CliError} (rejects) `usage` for options that are not valid,
 * `unreachable` when there is no connection in time or ZooKeeper refuses the login,
 * `interrupted` when `signal` is aborted before there is one
 */
export async function withSession<Result>(
  options: CliOptions,
  output: CliOutput,
  signal: AbortSignal,
  command: (session: CliSession) => Promise<Result>,
  sessionTimeoutMs = SESSION_TIMEOUT_MS,
): Promise<Result> {
  const resolved = resolveCliOptions(options);
  const { servers, basePath } = resolved;
  const paths = new NodePaths(basePath);
  let lastNotice = '';
  const client = new WireClient({
    ...resolved,
    sessionTimeoutMs,
    // A command that dies leaves nothing behind that others wait for.
    guardian: undefined,
    paths,
    onNotice: ({ level, text }) => {
      // What an application goes on doing, a command does not.
      lastNotice =
        level === 'log' ? lastNotice : text.replace(/; trying again .*$/, '.');
    },
  });
  try {
    await client.start();
    const settled$ = client.connection$.pipe(
      filter(
        ({ state, problem }) =>
          state === 'connected' || isZookeeperError(problem, 'AUTH_FAILED'),
      ),
    );
    await unlessAborted(
      signal,
      firstValueFrom(race(settled$, timer(options.timeout * 1000))),
    );
    const { state, problem } = client.connection;
    if (state !== 'connected') {
      const where = servers.map(({ host, port }) => `${host}:${port}`).join();
      const what = isZookeeperError(problem, 'AUTH_FAILED')
        ? `ZooKeeper at ${where} refuses the login.`
        : `No connection to ZooKeeper at ${where} within ${options.timeout} s.`;
      throw new CliError(EXIT.unreachable, `${what} ${lastNotice}`.trim(), {
        cause: problem,
      });
    }
    const budget = new ReadBudget(READS_PER_SECOND, READS_PER_SECOND);
    const watcher = new ClusterWatcher(client, paths, budget);
    return await command({ client, paths, watcher, options, output, signal });
  } finally {
    await client.close();
  }
}

/**
 * What `work` resolves to.
 *
 * @throws {CliError} (rejects) `interrupted` when `signal` is aborted before
 */
export async function unlessAborted<Result>(
  signal: AbortSignal,
  work: Promise<Result>,
): Promise<Result> {
  const aborted = new Promise<never>((_resolve, reject) => {
    const stop = (): void =>
      reject(new CliError(EXIT.interrupted, 'Interrupted.'));
    if (signal.aborted) {
      stop();
    } else {
      signal.addEventListener('abort', stop, { once: true });
    }
  });
  return Promise.race([work, aborted]);
}

/**
 * Everything that is there, read once.
 *
 * @throws {CliError} (rejects) `unreachable` when that takes too long, or is
 * refused
 */
export async function readCluster({
  watcher,
  options,
}: CliSession): Promise<ClusterView> {
  const release = watcher.use();
  try {
    const complete$ = watcher.changes$.pipe(
      filter(() => watcher.view().isComplete),
    );
    if (!watcher.view().isComplete) {
      const timeout$ = timer(options.timeout * 1000);
      await firstValueFrom(race(complete$, timeout$));
    }
    const view = watcher.view();
    if (!view.isComplete) {
      throw new CliError(
        EXIT.unreachable,
        `ZooKeeper did not answer within ${options.timeout} s`,
      );
    }
    if (view.problem !== undefined) {
      throw new CliError(EXIT.unreachable, view.problem);
    }
    return view;
  } finally {
    release();
  }
}

/**
 * {@link readCluster}; waits as long as a move takes where a partition has no
 * owner: it may just be moving.
 *
 * @throws {CliError} (rejects) like {@link readCluster}
 */
export async function readSettled(session: CliSession): Promise<ClusterView> {
  const release = session.watcher.use();
  try {
    const view = await readCluster(session);
    const isSettled = ({ partitions }: ClusterView): boolean =>
      partitions.every(({ unowned }) => unowned.length === 0);
    if (isSettled(view)) {
      return view;
    }
    const { watcher } = session;
    await firstValueFrom(
      merge(
        watcher.changes$.pipe(filter(() => isSettled(watcher.view()))),
        timer(UNOWNED_DUE_MS),
      ),
    );
    return watcher.view();
  } finally {
    release();
  }
}
