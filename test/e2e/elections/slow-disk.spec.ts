import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { buildSlowDisk } from '../../faults/preparation.js';
import { ElectionGroup } from '../../support/election-group.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const SESSION_TIMEOUT_MS = 2_000;

const directory = mkdtempSync(join(tmpdir(), 'slow-disk-'));
const library = buildSlowDisk(directory);
if (!library) {
  console.log('SKIPPED: slow disks, for want of gcc to build one with.');
}
const describeOnSlowDisk = library ? describe : describe.skip;

let server: ZookeeperServer;
let group: ElectionGroup;

/** From now on the disk of the server takes so long for every write. */
function setSyncTime(ms: number): void {
  writeFileSync(join(directory, 'slow-disk'), String(ms));
}

beforeAll(async () => {
  setSyncTime(0);
  server = await ZookeeperServer.start(
    library
      ? {
          jvmArgs: ['-Dzookeeper.forceSync=yes'],
          env: {
            LD_PRELOAD: library,
            SLOW_DISK_FILE: join(directory, 'slow-disk'),
          },
        }
      : {},
  );
});
afterEach(async () => {
  setSyncTime(0);
  await group.close();
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

describeOnSlowDisk('behind a slow disk', () => {
  it('the log says that heartbeats are slow before they take as long as the lease', async () => {
    group = new ElectionGroup(server.port, '/slow', {
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
    });
    const a = await group.join('A');
    await group.join('B');
    await group.waitForLeader(a);
    setSyncTime(0.4 * SESSION_TIMEOUT_MS);
    await group.waitUntil(
      () =>
        group.logger
          .messages('warn')
          .some((text) =>
            /^ZooKeeper took \d+ ms to acknowledge a heartbeat/.test(text),
          ),
      { description: 'the log to say so' },
    );
    setSyncTime(0);
    const leader = await group.waitForLeader();
    expect(leader.isLeader).toBe(true);
    await group.expectInvariant();
  });

  it('writes that take longer than the lease leave nobody leading, until they are quick again', async () => {
    group = new ElectionGroup(server.port, '/slower', {
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
    });
    const a = await group.join('A');
    const b = await group.join('B');
    await group.waitForLeader(a);
    setSyncTime(0.8 * SESSION_TIMEOUT_MS);
    await group.waitUntil(() => !a.isLeader, {
      description: 'the lease to end',
    });
    expect(b.isLeader).toBe(false);
    // Tried again and again meanwhile, at most at the pace of the client.
    await group.waitUntil(
      () =>
        group.logger
          .messages('warn')
          .some((text) => /connection to ZooKeeper was lost/.test(text)),
      { description: 'a connection to be given up', timeoutMs: 20_000 },
    );
    setSyncTime(0);
    await group.waitForLeader(undefined, 20_000);
    await group.expectInvariant();
  });
});
