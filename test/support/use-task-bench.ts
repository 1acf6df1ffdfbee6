import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { TaskBench, type BenchOptions } from './task-bench.js';
import type { ZookeeperServer } from './zookeeper-server.js';

/**
 * A server for all tests of a file. Returns what makes a test's bench, which has a
 * base path of its own and is closed after the test.
 */
export function useTaskBench(): (
  options: BenchOptions,
  now?: string,
) => TaskBench {
  let server: ZookeeperServer;
  let bench: TaskBench | undefined;
  let benches = 0;

  beforeAll(async () => {
    server = await TaskBench.startServer();
  });
  afterEach(() => bench?.close());
  afterAll(() => server.close());

  return (options, now) => {
    benches += 1;
    bench = new TaskBench(server, `/bench-${benches}`, options, now);
    return bench;
  };
}
