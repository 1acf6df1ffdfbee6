import type { LeaderTaskContext } from 'nestjs-zookeeper-leader';
import type { ClientBase } from 'pg';

/** Changes one row; none, if a later leader has been here. */
const RAISE_FENCE = `
  insert into leader_fence as fence (task, token)
  values ($1, $2)
  on conflict (task) do update set token = excluded.token
  where fence.token <= excluded.token`;

/** Inserts one row; none, if an earlier attempt has committed already. */
const MARK_TICK = `
  insert into leader_tick (task, tick)
  values ($1, $2)
  on conflict do nothing`;

/**
 * To be called first in the transaction of a run. Resolves to whether the tick is
 * still to be done.
 *
 * @throws {Error} if a later leader has written: this run is over
 */
export async function enterFence(
  client: ClientBase,
  {
    task,
    tick,
    fencingToken,
  }: Pick<LeaderTaskContext, 'task' | 'tick' | 'fencingToken'>,
): Promise<boolean> {
  const fence = await client.query(RAISE_FENCE, [task, fencingToken]);
  if (fence.rowCount === 0) {
    throw new Error(
      `A later leader has written: the run of "${task}" with the token ` +
        `${fencingToken} is over`,
    );
  }
  const mark = await client.query(MARK_TICK, [task, tick]);
  return mark.rowCount === 1;
}
