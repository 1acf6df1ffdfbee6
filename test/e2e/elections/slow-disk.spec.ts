import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { buildSlowDisk } from '../../faults/preparation.js';
import { ElectionGroup } from '../../support/election-group.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

const SESSION_TIMEOUT_MS = 2_000;

it('explore', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'slow-'));
  const file = join(directory, 'slow-disk');
  writeFileSync(file, '0');
  const lib = buildSlowDisk(directory) as string;
  const server = await ZookeeperServer.start({
    jvmArgs: ['-Dzookeeper.forceSync=yes'],
    env: { LD_PRELOAD: lib, SLOW_DISK_FILE: file },
  });
  const group = new ElectionGroup(server.port, '/slow', {
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
  });
  const a = await group.join('A', { isProxied: true });
  const b = await group.join('B');
  await group.waitForLeader(a);
  const mark = (s: string) => group.logger.log('--- ' + s);
  for (const ms of [800, 1_200, 1_500, 1900]) {
    mark(`${ms} ms`);
    writeFileSync(file, String(ms));
    let led = 0,
      n = 0;
    const t = setInterval(() => {
      n++;
      if (a.isLeader || b.isLeader) led++;
    }, 5);
    await new Promise((r) => setTimeout(r, 10_000));
    clearInterval(t);
    mark(
      `led ${led} of ${n}; connects ${a.proxy?.requests('connect').length}; problems ${JSON.stringify([...a.elections.problems])} healthy ${a.elections.isHealthy}`,
    );
  }
  writeFileSync(file, '0');
  await group.waitForLeader();
  console.log(
    group.logger.entries.map((e) => `${e.level} ${e.message}`).join('\n'),
  );
  console.log(
    a.changes
      .map((c) => `${c.since.toISOString()} ${c.role} ${c.reason}`)
      .join('\n'),
  );
  await group.close();
  await server.close();
  rmSync(directory, { recursive: true });
}, 90_000);
