import { expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { NodeWatch } from '../../../lib/session/node-watch.js';
import { memoryNodes } from '../../../lib/tasks/ledger/memory-client.js';
import { nextTurn } from '../../../lib/within.js';

it('leaves one watcher at a node, however often it looks, and hears of the next change', async () => {
  const { client } = memoryNodes();
  await client.create('/watched', '', 'persistent');
  const watchers = new Set<() => void>();
  let readings = 0;
  const watch = new NodeWatch(
    client,
    async (changed) => {
      watchers.add(changed);
      await client.get('/watched', changed);
      readings += 1;
    },
    { what: 'A node', path: '/watched', logger: new Logger() },
  );
  watch.start();
  for (let look = 0; look < 10; look += 1) {
    watch.look();
    await nextTurn();
  }
  const before = readings;
  expect(before).toBeGreaterThanOrEqual(10);
  expect(watchers.size).toBe(1);
  await client.set('/watched', 'x');
  await nextTurn();
  expect(readings).toBe(before + 1);
  watch.stop();
  await client.set('/watched', 'y');
  await nextTurn();
  expect(readings).toBe(before + 1);
});
