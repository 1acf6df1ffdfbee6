import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import { ZookeeperProcess } from '../../scripts/zookeeper/server.mjs';
import { secured } from './secure-connections.js';
import { waitFor } from './wait-for.js';
import {
  ZookeeperServer,
  type ZookeeperServerOptions,
} from './zookeeper-server.js';

export interface ZookeeperEnsembleOptions extends Omit<
  ZookeeperServerOptions,
  'port' | 'dataDir' | 'serverId'
> {
  size?: number;
}

/**
 * Several ZooKeeper servers that elect a leader among themselves. A test can take
 * away the leader, a follower or the quorum.
 */
export class ZookeeperEnsemble {
  /** Returns when all servers serve. */
  static async start(
    options: ZookeeperEnsembleOptions = {},
  ): Promise<ZookeeperEnsemble> {
    for (let attemptsLeft = 3; ; attemptsLeft--) {
      const ensemble = new ZookeeperEnsemble(await createProcesses(options));
      try {
        await Promise.all(ensemble.servers.map((server) => server.start()));
        return ensemble;
      } catch (error) {
        await ensemble.close();
        // One of its many ports may have been taken since it was drawn.
        if (attemptsLeft === 1) {
          throw error;
        }
      }
    }
  }

  readonly servers: readonly ZookeeperServer[];
  /** Of all servers, those that are down included. */
  readonly connectionString: string;

  private constructor(processes: ZookeeperProcess[]) {
    this.servers = processes.map((process) => new ZookeeperServer(process));
    this.connectionString = this.servers
      .map(({ connectionString }) => connectionString)
      .join(',');
  }

  /** Waits until one of the servers leads. */
  leader(): Promise<ZookeeperServer> {
    return waitFor(async () => (await this.withMode('leader'))[0], {
      timeoutMs: 20_000,
      description: 'the ensemble to have a leader',
    });
  }

  /** Those that follow at this moment. */
  followers(): Promise<ZookeeperServer[]> {
    return this.withMode('follower');
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
  }

  private async withMode(
    mode: 'leader' | 'follower',
  ): Promise<ZookeeperServer[]> {
    const modes = await Promise.all(
      this.servers.map((server) => server.mode()),
    );
    return this.servers.filter((_, index) => modes[index] === mode);
  }
}

async function createProcesses({
  size = 3,
  ...options
}: ZookeeperEnsembleOptions): Promise<ZookeeperProcess[]> {
  const members: { serverId: number; port: number; address: string }[] = [];
  for (let serverId = 1; serverId <= size; serverId++) {
    members.push({
      serverId,
      port: await freePort(),
      address: `127.0.0.1:${await freePort()}:${await freePort()}`,
    });
  }
  const config = {
    // In ticks: to join the leader, and to be behind it.
    initLimit: 20,
    syncLimit: 10,
    ...Object.fromEntries(
      members.map(({ serverId, address }) => [`server.${serverId}`, address]),
    ),
    ...options.config,
  };
  return Promise.all(
    members.map(({ serverId, port }) =>
      ZookeeperProcess.create(secured({ ...options, serverId, port, config })),
    ),
  );
}
