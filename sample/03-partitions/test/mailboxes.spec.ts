import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { waitFor } from '../../../test/support/wait-for.js';
import { ZookeeperServer } from '../../../test/support/zookeeper-server.js';
import { AppModule } from '../src/app.module.js';
import { MailboxesService } from '../src/mailboxes.service.js';

let zookeeper: ZookeeperServer;

beforeAll(async () => {
  zookeeper = await ZookeeperServer.start();
  process.env.ZOOKEEPER_CONNECTION_STRING = zookeeper.connectionString;
});
afterAll(() => zookeeper.close());

async function start(): Promise<INestApplication> {
  const module = await Test.createTestingModule({
    imports: [AppModule],
  }).compile();
  module.useLogger(false);
  const app = module.createNestApplication();
  await app.listen(0, '127.0.0.1');
  return app;
}

async function shares(app: INestApplication): Promise<number[]> {
  const response = await fetch(`${await app.getUrl()}/mailboxes`);
  const owners = (await response.json()) as string[];
  return [...new Set(owners)].map(
    (one) => owners.filter((each) => each === one).length,
  );
}

it('the instances share the mailboxes, and the others take those of one that ends', async () => {
  const [one, two] = [await start(), await start()];
  await waitFor(async () => String(await shares(two)) === '6,6');
  const { polled } = two.get(MailboxesService);
  await waitFor(() => polled.length >= 48);
  await one.close();
  await waitFor(async () => String(await shares(two)) === '12');
  await waitFor(() => new Set(polled).size === 100);
  expect(await shares(two)).toEqual([12]);
  await two.close();
});
