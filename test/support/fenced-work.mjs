// @ts-check
/**
 * What a run of the fencing test does: writes once without any fence, and once
 * as docs/tasks.md says, when the test tells it to.
 */
import { once } from 'node:events';
import { Client } from 'pg';

const { DATABASE_URL, FENCE = '', TICK = '', WRITER } = process.env;

/**
 * @param {import('../../lib/index.js').LeaderTaskContext} run
 * @param {(type: string, details?: object) => void} tell
 */
export async function work({ task, tick, attempt, fencingToken }, tell) {
  const client = new Client({ connectionString: DATABASE_URL });
  await client.connect();
  tell('at work', { attempt });
  // Here the test stops the process, for as long as it likes.
  await once(process, 'message');
  await client.query(
    'update report set written = written + 1, writer = $1 where not is_fenced',
    [WRITER],
  );
  await client.query('begin');
  const fence = await client.query(FENCE, [task, fencingToken]);
  const isCurrent = fence.rowCount === 1;
  const isNew =
    isCurrent && (await client.query(TICK, [task, tick])).rowCount === 1;
  if (isNew) {
    await client.query(
      'update report set written = written + 1, writer = $1 where is_fenced',
      [WRITER],
    );
  }
  await client.query(isNew ? 'commit' : 'rollback');
  tell('written', { attempt, isCurrent, isNew });
  await client.end();
  // And here, before the end of the run can be recorded.
  await once(process, 'message');
}
