import { expect, it, jest } from '@jest/globals';
import { ElectionQueue } from '../../../lib/election/election-queue.js';
import type { ZookeeperClient } from '../../../lib/zookeeper/zookeeper-client.interface.js';
import {
  ZookeeperError,
  type ZookeeperErrorCode,
} from '../../../lib/zookeeper/zookeeper.error.js';

function queueWhoseSealFails(code: ZookeeperErrorCode) {
  const remove = jest.fn(async (_path: string) => undefined);
  const client: Partial<ZookeeperClient> = {
    closedNodes: {
      ensure: async () => undefined,
      create: async () => undefined,
      adopt: async () => undefined,
      seal: () => Promise.reject(new ZookeeperError(code, 'refused')),
    },
    delete: remove,
  };
  const queue = new ElectionQueue(client as ZookeeperClient, '/e', {
    instanceId: 'i',
    host: 'h',
    pid: 1,
  });
  return { queue, remove };
}

it('an entry that somebody has closed to us is given up for another', async () => {
  const { queue, remove } = queueWhoseSealFails('NO_AUTH');
  expect(await queue.seal('p-n_0000000001')).toBe(false);
  expect(remove).toHaveBeenCalledWith('/e/p-n_0000000001');
});

it('an entry whose closing is in doubt is closed on the next connection', async () => {
  const { queue, remove } = queueWhoseSealFails('CONNECTION_LOSS');
  await expect(queue.seal('p-n_0000000001')).rejects.toMatchObject({
    code: 'CONNECTION_LOSS',
  });
  expect(remove).not.toHaveBeenCalled();
});
