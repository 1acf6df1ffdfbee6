import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { lastValueFrom } from 'rxjs';
import type { ManagedElection } from '../../../lib/election/leader-elections.js';
import { ElectionGroup } from '../../support/election-group.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;
let group: ElectionGroup;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(() => group.close());
afterAll(() => server.close());

it('an election that is disposed of is left, ended and forgotten', async () => {
  group = new ElectionGroup(server.port, '/dispose');
  const { elections } = await group.join('A');
  const told: string[] = [];
  elections.follow(({ name }: ManagedElection) => {
    told.push(name);
    return () => told.push(`${name} has ended`);
  });
  const election = elections.get('import-7');
  const { signal } = await election.waitForLeadership({ timeoutMs: 10_000 });
  expect(await group.nodes('import-7')).toHaveLength(1);
  const last = lastValueFrom(election.leadership$);

  await elections.dispose('import-7');
  expect(signal.aborted).toBe(true);
  expect(await last).toMatchObject({ role: 'idle', reason: 'withdrawn' });
  expect(await group.nodes('import-7')).toEqual([]);
  expect(elections.names).toEqual(['default']);
  expect(told).toEqual(['default', 'import-7', 'import-7 has ended']);
  await expect(election.waitForLeadership()).rejects.toMatchObject({
    code: 'CLOSED',
  });

  const again = elections.get('import-7');
  expect(again).not.toBe(election);
  await again.waitForLeadership({ timeoutMs: 10_000 });
});

it('an election that the application is made of cannot be disposed of', async () => {
  group = new ElectionGroup(server.port, '/in-use');
  const { elections } = await group.join('A');
  await expect(elections.dispose('default')).rejects.toThrow(
    /"default" cannot be disposed of: a test uses it/,
  );
  await expect(elections.dispose('unknown')).resolves.toBeUndefined();
});
