import { copyFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { LeaderElections } from '../../../lib/election/leader-elections.js';
import { resolveOptions } from '../../../lib/zookeeper-leader.options.js';
import { ByteRelay } from '../../support/byte-relay.js';
import { Certificates } from '../../support/certificates.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { SecureServer } from '../../support/secure-server.js';
import { waitFor } from '../../support/wait-for.js';

let certificates: Certificates;
let server: SecureServer;
let relay: ByteRelay;
let elections: LeaderElections | undefined;

beforeAll(async () => {
  certificates = new Certificates()
    .authority('ca')
    .leaf('server', 'ca')
    .leaf('client', 'ca')
    .leaf('next-client', 'ca')
    .leaf('expired', 'ca', { days: -1 });
  server = await SecureServer.start({ certificates });
  relay = await ByteRelay.start({ targetPort: server.tlsPort });
});
afterEach(async () => {
  await elections?.shutDown();
  elections = undefined;
});
afterAll(async () => {
  relay.close();
  await server.close();
});

/** What a tool that renews certificates does. */
function install(name: string): void {
  for (const part of ['pem', 'key']) {
    copyFileSync(
      certificates.path(`${name}.${part}`),
      certificates.path(`installed.${part}`),
    );
  }
}

it('certificates are rotated under a leader that goes on leading, and one that has expired is reported until it is replaced', async () => {
  install('client');
  const logger = new MemoryLogger();
  Logger.overrideLogger(logger);
  const options = resolveOptions({
    connectionString: `127.0.0.1:${relay.port}`,
    basePath: '/rotation',
    sessionTimeoutMs: 20_000,
    instanceId: 'one',
    guardian: false,
    tls: {
      ca: certificates.path('ca.pem'),
      cert: certificates.path('installed.pem'),
      key: certificates.path('installed.key'),
    },
  });
  elections = new LeaderElections(
    options,
    { instanceId: 'one', host: 'test', pid: process.pid },
    'test',
  );
  const election = elections.find('default', 'a test');
  const roles: string[] = [];
  election.leadership$.subscribe(({ role }) => roles.push(role));
  await elections.start();
  await waitFor(() => election.isLeader());
  const { client } = elections.session ?? {};
  const connection = (): { epoch: number; state: string; sessionId?: string } =>
    client?.connection ?? { epoch: -1, state: '' };
  const { sessionId } = connection();

  const reconnected = async (epoch: number): Promise<void> => {
    await waitFor(
      () => connection().epoch > epoch && connection().state === 'connected',
    );
    expect(connection().sessionId).toBe(sessionId);
    expect(await election.revalidate()).toBe(true);
  };

  let { epoch } = connection();
  install('next-client');
  relay.cut();
  await reconnected(epoch);

  ({ epoch } = connection());
  install('expired');
  relay.cut();
  await waitFor(() =>
    logger.entries.some(({ message }) => /certificate/.test(message)),
  );
  expect(election.isLeader()).toBe(true);
  install('client');
  await reconnected(epoch);
  expect(roles.filter((role) => role === 'leader')).toHaveLength(1);
  expect(election.isLeader()).toBe(true);
});
