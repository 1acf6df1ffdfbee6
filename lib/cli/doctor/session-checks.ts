import { randomUUID } from 'node:crypto';
import type { ClusterView } from '../../cluster/cluster-view.interface.js';
import { unlessMissing } from '../../zookeeper/unless-missing.js';
import { messageOf } from '../../message-of.js';
import { isZookeeperError } from '../../zookeeper/zookeeper.error.js';
import { readCluster, type CliSession } from '../cli-session.js';
import { durationText } from '../../duration-text.js';
import { printable } from '../text.js';
import { bad, note, ok, type Finding } from './finding.js';

/** More than this between two clocks, and ticks and logs are hard to compare. */
const TOLERATED_SKEW_MS = 1_000;

/** What can be seen of the servers only through a session. */
export async function checkSession(
  session: CliSession,
  requestedTimeoutMs: number,
): Promise<Finding[]> {
  const granted = session.client.connection.sessionTimeoutMs;
  return [
    ...judgeTimeout(requestedTimeoutMs, granted),
    ...(await checkBasePath(session)),
  ];
}

export function judgeTimeout(
  requestedMs: number,
  grantedMs: number | undefined,
): Finding[] {
  const about = 'session timeout';
  return grantedMs === undefined || grantedMs === requestedMs
    ? [ok(about, `${requestedMs} ms is granted`)]
    : [
        note(
          about,
          `the servers grant ${grantedMs} ms instead of ${requestedMs} ms`,
          'set sessionTimeoutMs within minSessionTimeout and maxSessionTimeout of the servers, by default 2 and 20 times their tickTime',
        ),
      ];
}

async function checkBasePath(session: CliSession): Promise<Finding[]> {
  const { client, paths } = session;
  const about = paths.base;
  try {
    const listed = await unlessMissing(client.getChildren(paths.base));
    if (!listed) {
      return [
        note(
          about,
          'nothing is there yet',
          'the first instance makes it; if instances run already, use their basePath and chroot',
        ),
      ];
    }
    const view = await readCluster(session);
    return [
      ok(
        about,
        `can be read; ${view.instances.length} instances, ${view.elections.length} elections, ${view.ledgers.length} run ledgers`,
      ),
      ...(await checkWriting(session)),
      ...judgeChildren(session, listed.children),
      ...judgeInstances(view),
    ];
  } catch (error) {
    return [judgeRefusal(about, error)];
  }
}

/** Tries to write, and compares the clocks by the way. */
async function checkWriting({ client, paths }: CliSession): Promise<Finding[]> {
  const about = paths.base;
  // Nobody watches this place.
  const path = `${paths.base}/doctor-${randomUUID()}`;
  const beganMs = Date.now();
  try {
    await client.create(path, '', 'ephemeral');
    const content = await unlessMissing(client.get(path));
    const tookMs = Date.now() - beganMs;
    await client.delete(path);
    return [
      ok(about, 'can be written'),
      ...(content ? judgeClock(content.stat.createdAtMs, beganMs, tookMs) : []),
    ];
  } catch (error) {
    return [judgeRefusal(about, error)];
  }
}

/** The server's clock was read between `beganMs` and `tookMs` later. */
export function judgeClock(
  serverMs: number,
  beganMs: number,
  tookMs: number,
): Finding[] {
  const ahead = Math.max(0, serverMs - (beganMs + tookMs));
  const behind = Math.max(0, beganMs - serverMs);
  const skewMs = Math.max(ahead, behind);
  return skewMs <= TOLERATED_SKEW_MS
    ? [ok('clock', 'this machine and the server agree')]
    : [
        bad(
          'clock',
          `the server's clock is ${durationText(skewMs)} ${ahead > behind ? 'ahead of' : 'behind'} that of this machine`,
          'have both follow the same time servers (NTP): cron runs by the clocks of the instances',
        ),
      ];
}

function judgeChildren(
  { paths }: CliSession,
  children: readonly string[],
): Finding[] {
  const own = [
    paths.instances,
    paths.elections,
    paths.partitions,
    paths.tasks,
    paths.requests,
    paths.drains,
    paths.audit,
  ].map((path) => path.slice(paths.base.length + 1));
  const foreign = children.filter(
    (each) => !own.includes(each) && !each.startsWith('doctor-'),
  );
  return foreign.length === 0
    ? []
    : [
        bad(
          paths.base,
          `something else keeps nodes there: ${foreign.slice(0, 5).map(printable).join(', ')}`,
          'give each application a base path of its own',
        ),
      ];
}

export function judgeInstances({
  instances,
}: Pick<ClusterView, 'instances'>): Finding[] {
  const ids = instances.map(({ instanceId }) => instanceId);
  const twice = [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
  const versions = [
    ...new Set(instances.flatMap(({ version }) => version ?? [])),
  ];
  return [
    ...(twice.length > 0
      ? [
          bad(
            'instances',
            `more than one calls itself ${twice.map(printable).join(', ')}`,
            'give each an instanceId of its own, or none at all',
          ),
        ]
      : []),
    ...(versions.length > 1
      ? [
          note(
            'instances',
            `they run different versions of the library: ${versions.map(printable).join(', ')}`,
            'finish the deployment',
          ),
        ]
      : []),
  ];
}

function judgeRefusal(about: string, error: unknown): Finding {
  return isZookeeperError(error, 'NO_AUTH') ||
    /without credentials/.test(messageOf(error))
    ? bad(
        about,
        'ZooKeeper refuses: the nodes are closed, or belong to somebody else',
        'set ZOOKEEPER_CREDENTIALS or ZOOKEEPER_SASL to what the application has as its option credentials or sasl, or use another base path',
      )
    : bad(about, messageOf(error), 'see the logs of the servers');
}
