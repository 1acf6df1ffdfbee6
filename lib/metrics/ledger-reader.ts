import { filter, firstValueFrom, type Observable } from 'rxjs';
import type { LeaderTasks } from '../tasks/leader-tasks.js';
import type { Connection } from '../zookeeper/zookeeper-client.interface.js';

/** Reads at a time: an application that starts has other things to ask. */
const AT_ONCE = 4;

/**
 * Tells when the tasks with a ledger ended well for the last time, before this
 * process was started: read once, when there is a connection.
 *
 * @param connection$ undefined without ZooKeeper: then there is no past
 */
export async function readLastSuccesses(
  tasks: LeaderTasks,
  connection$: Observable<Connection> | undefined,
  tell: (task: string, endedAt: Date) => void,
): Promise<void> {
  if (!connection$) {
    return;
  }
  const waiting = tasks
    .list()
    .filter(({ hasLedger }) => hasLedger)
    .map(({ task }) => task);
  const isConnected = (): Promise<unknown> =>
    firstValueFrom(
      connection$.pipe(filter(({ state }) => state === 'connected')),
      { defaultValue: undefined },
    );
  await isConnected();
  const readAll = async (): Promise<void> => {
    for (let task = waiting.pop(); task !== undefined; task = waiting.pop()) {
      const endedAt = await lastSuccess(tasks, task);
      if (endedAt) {
        tell(task, endedAt);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, readAll));
}

/** Undefined where there is none, or it cannot be read: its next run tells. */
async function lastSuccess(
  tasks: LeaderTasks,
  task: string,
): Promise<Date | undefined> {
  try {
    const runs = await tasks.history(task);
    const last = runs.find(({ outcome }) => outcome === 'finished');
    return last && new Date(last.startedAt.getTime() + (last.durationMs ?? 0));
  } catch {
    return undefined;
  }
}
