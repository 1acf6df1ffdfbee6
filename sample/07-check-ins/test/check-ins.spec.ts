import { afterEach, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { useFakeElections } from 'nestjs-zookeeper-leader/testing';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '../../../test/support/wait-for.js';
import { AppModule } from '../src/app.module.js';
import { BackupService } from '../src/backup.service.js';

interface Ping {
  readonly path: string;
  readonly runId: string | null;
  readonly body: string;
}

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) {
    await close();
  }
  delete process.env.CHECK_IN_URL;
});

/** The service from outside. */
async function startService(pings: Ping[]): Promise<Server> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (text: Buffer) => (body += text.toString()));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(
        String(request.url),
        'http://x',
      );
      pings.push({ path: pathname, runId: searchParams.get('rid'), body });
      response.end('OK');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

it('reports the beginning and the end of each run, and a failure with its error', async () => {
  const pings: Ping[] = [];
  const server = await startService(pings);
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  process.env.CHECK_IN_URL = `http://127.0.0.1:${port}/key`;
  const builder = Test.createTestingModule({ imports: [AppModule] });
  const module = await useFakeElections(builder, { leads: true }).compile();
  module.useLogger(false);
  const app = await module.init();
  closing.push(() => app.close());

  await waitFor(() => pings.some(({ path }) => path === '/key/backup'), {
    description: 'a run that ended well',
  });
  const done = pings.find(({ path }) => path === '/key/backup');
  const begun = pings.find(({ runId }) => runId === done?.runId);
  expect(begun).toMatchObject({ path: '/key/backup/start' });

  app.get(BackupService).work = async () => {
    throw new Error('the disk is full');
  };
  await waitFor(() => pings.some(({ path }) => path === '/key/backup/fail'), {
    description: 'a failure',
  });
  expect(pings.find(({ path }) => path.endsWith('/fail'))?.body).toMatch(
    /the disk is full/,
  );
});
