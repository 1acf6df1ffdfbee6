import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import type { ZookeeperLeaderModuleOptions } from '../../../lib/index.js';
import { nativeZookeeper } from '../../../lib/native/index.js';
import { Certificates } from '../../support/certificates.js';
import { PartitionFleet } from '../../support/partition-fleet.js';
import { SecureServer } from '../../support/secure-server.js';

const users = { bob: 'secret' };
const SHARES = { two: 6, three: 6 };

describe('Partitions', () => {
  let certificates: Certificates;
  let server: SecureServer;
  let fleet: PartitionFleet;

  beforeAll(async () => {
    certificates = new Certificates()
      .authority('ca')
      .leaf('server', 'ca')
      .leaf('client', 'ca');
    server = await SecureServer.start({ certificates, users });
  });
  afterEach(() => fleet.close());
  afterAll(() => server.close());

  const credentials = { username: 'ann', password: 'secret' };
  const sasl = {
    mechanism: 'DIGEST-MD5' as const,
    username: 'bob',
    password: 'secret',
  };
  const certificate = (): ZookeeperLeaderModuleOptions => ({
    connectionString: `127.0.0.1:${server.tlsPort}`,
    acl: 'creator',
    tls: {
      ca: certificates.path('ca.pem'),
      cert: certificates.path('client.pem'),
      key: certificates.path('client.key'),
    },
  });

  /** Instances join and leave. Resolves to what those that are left own. */
  async function share(
    basePath: string,
    options: ZookeeperLeaderModuleOptions,
  ): Promise<Record<string, number>> {
    fleet = new PartitionFleet(server.port, basePath, 12, options);
    const [one] = await fleet.startAll('one', 'two');
    await fleet.waitForBalance();
    await fleet.start('three');
    await fleet.waitForBalance();
    expect(fleet.counts).toEqual({ one: 4, two: 4, three: 4 });
    await one?.close();
    await fleet.waitForBalance();
    return fleet.counts;
  }

  it.each<[by: string, options: () => ZookeeperLeaderModuleOptions]>([
    ['credentials', () => ({ credentials })],
    ['a certificate', () => certificate()],
    ['a login', () => ({ sasl })],
  ])(
    'are shared by instances with %s, and closed to all others',
    async (by, options) => {
      expect(await share(`/secured by ${by}`, options())).toEqual(SHARES);
      await fleet.inspect(async (zk) => {
        const { path } = fleet;
        for (const refused of [
          zk.setData(`${path}/assignment`, ''),
          zk.create(`${path}/owners/12`),
          zk.create(`${path}/members/forged`),
          zk.delete(`${path}/owners/0`),
          zk.create(`${path}/other`),
          zk.getData(`${path}/assignment`),
        ]) {
          await expect(refused).rejects.toMatchObject({ code: 'NO_AUTH' });
        }
      });
    },
  );

  it('are shared by instances with nativeZookeeper()', async () => {
    const options = { client: nativeZookeeper() };
    expect(await share('/native', options)).toEqual(SHARES);
  });
});
