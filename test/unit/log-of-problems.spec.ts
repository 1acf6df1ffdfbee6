import { describe, expect, it } from '@jest/globals';
import type { Logger } from '@nestjs/common';
import { BehaviorSubject } from 'rxjs';
import { LeadershipLog } from '../../lib/election/leadership-log.js';
import { LastingProblem } from '../../lib/lasting-problem.js';
import { NodeWatch } from '../../lib/session/node-watch.js';
import type { NodeClient } from '../../lib/session/nodes.js';
import {
  ConnectionLog,
  type ClientNotice,
} from '../../lib/zookeeper/connection-log.js';
import type { Connection } from '../../lib/zookeeper/zookeeper-client.interface.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { waitFor } from '../support/wait-for.js';

const MINUTE_MS = 60_000;

describe('a problem that lasts', () => {
  it('is told when it begins or changes, and every five minutes', () => {
    let nowMs = 0;
    const problem = new LastingProblem(() => nowMs);
    expect(problem.note('no permission')?.isNew).toBe(true);
    nowMs += 4 * MINUTE_MS;
    expect(problem.note('no permission')).toBeUndefined();
    expect(problem.note('no quorum')?.isNew).toBe(true);
    nowMs += 5 * MINUTE_MS;
    expect(problem.note('no quorum')).toEqual({
      isNew: false,
      since: problem.spell?.since,
    });
    nowMs += MINUTE_MS;
    expect(problem.note('no quorum')).toBeUndefined();
    expect(problem.end()?.text).toBe('no quorum');
    expect(problem.end()).toBeUndefined();
    expect(problem.note('no quorum')?.isNew).toBe(true);
  });
});

describe('the log of a connection', () => {
  function log() {
    let nowMs = 1_000;
    const notices: ClientNotice[] = [];
    const connection = new ConnectionLog(
      (notice) => notices.push(notice),
      () => nowMs,
    );
    const pass = (ms: number): void => {
      nowMs += ms;
    };
    return { connection, notices, pass };
  }

  it('repeats an outage every five minutes, with its beginning', () => {
    const { connection, notices, pass } = log();
    const refused = ['zk1:2181 refused the connection'];
    connection.unreachable(refused, false);
    for (let minute = 0; minute < 12; minute++) {
      pass(MINUTE_MS);
      connection.unreachable(refused, false);
    }
    expect(notices.map(({ text }) => text)).toEqual([
      'ZooKeeper cannot be reached (zk1:2181 refused the connection); trying again until it can',
      expect.stringMatching(/No connection since \S+Z, for 5 min$/),
      expect.stringMatching(/No connection since \S+Z, for 10 min$/),
    ]);
    connection.connected({
      server: 'zk1:2181',
      id: 'a1',
      sessionTimeoutMs: 10_000,
      isResumed: false,
    });
    expect(notices.at(-1)?.text).toMatch(
      /^Connected to ZooKeeper at zk1:2181 after 12 min, session 0xa1/,
    );
  });

  it('is not filled by a reason that has other words each time', () => {
    const { connection, notices, pass } = log();
    for (let attempt = 0; attempt < 240; attempt++) {
      connection.lost('AUTH_FAILED', `the nonce ${attempt} is wrong`);
      pass(5_000);
    }
    // Ten, and one every five minutes in the twenty that this took.
    expect(notices).toHaveLength(14);
  });
});

describe('the log of an election', () => {
  function log() {
    const logger = new MemoryLogger();
    const leadership = new LeadershipLog(
      logger as unknown as Logger,
      'web',
      () => undefined,
    );
    return { logger, leadership, reporter: leadership.reporter('default', '') };
  }

  it('says whether this instance cannot take part or cannot leave', () => {
    const { logger, reporter } = log();
    reporter.problem(new Error('no permission'), true);
    reporter.problem(new Error('no permission'), true);
    reporter.problem(new Error('still no permission'), false);
    expect(logger.messages('error')).toEqual([
      'This instance cannot take part in the election "default": no permission; trying again',
      'This instance cannot leave the election "default": still no permission; trying again',
    ]);
  });

  it('has no problem any more when it is healed', () => {
    const { logger, leadership, reporter } = log();
    reporter.problem(new Error('no permission'), true);
    expect([...leadership.problems]).toEqual([['default', 'no permission']]);
    reporter.healed();
    expect([...leadership.problems]).toEqual([]);
    expect(logger.messages('log')).toEqual([
      expect.stringMatching(
        /^The problem of the election "default" since \S+ is over: no permission$/,
      ),
    ]);
  });
});

it('what cannot be read is told once, however often it is tried, and when it can be again', async () => {
  const connection: Connection = { state: 'connected', epoch: 1 };
  const client = {
    connection,
    connection$: new BehaviorSubject(connection),
  } as unknown as NodeClient;
  const logger = new MemoryLogger();
  let isRefused = true;
  let reads = 0;
  const watch = new NodeWatch(
    client,
    async () => {
      reads += 1;
      if (isRefused) {
        throw new Error('closed to others');
      }
    },
    {
      what: 'Whether this instance is drained',
      path: '/app/drains',
      logger: logger as unknown as Logger,
    },
    1,
  );
  watch.start();
  await waitFor(() => reads > 3);
  isRefused = false;
  await waitFor(() => logger.messages('log').length > 0);
  watch.stop();
  expect(logger.messages('warn')).toEqual([
    'Whether this instance is drained could not be read from /app/drains: closed to others; retrying',
  ]);
  expect(logger.messages('log')).toEqual([
    expect.stringMatching(
      /^Whether this instance is drained can be read from \/app\/drains again, after a problem since \S+: closed to others$/,
    ),
  ]);
});
