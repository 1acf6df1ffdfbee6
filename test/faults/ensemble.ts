import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import { ZookeeperProcess } from '../../scripts/zookeeper/server.mjs';
import { waitFor } from '../support/wait-for.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';
import { Link } from './link.js';

export interface FaultyEnsembleOptions {
  readonly tickTimeMs: number;
  readonly config?: Record<string, string>;
  readonly env?: Record<string, string>;
  readonly jvmArgs?: readonly string[];
}

export interface Member {
  readonly id: number;
  readonly server: ZookeeperServer;
  /** To the other members, by their id: for data and for elections. */
  readonly linksTo: Map<number, readonly Link[]>;
}

const SIZE = 3;
/** A member that is alone asks more and more rarely; by default once a minute. */
const LONGEST_SILENCE_MS = 800;

/**
 * Three ZooKeeper servers that talk to each other over cables of ours.
 *
 * Each server has its own idea of where the others are: at the near end of its
 * cable to them.
 */
export class FaultyEnsemble {
  static async start(options: FaultyEnsembleOptions): Promise<FaultyEnsemble> {
    for (let attemptsLeft = 5; ; attemptsLeft--) {
      try {
        return await FaultyEnsemble.#start(options);
      } catch (error) {
        // Somebody else took a port since it was drawn.
        if (attemptsLeft <= 1 || !/BindException/.test(String(error))) {
          throw error;
        }
      }
    }
  }

  static async #start(options: FaultyEnsembleOptions): Promise<FaultyEnsemble> {
    const ids = Array.from({ length: SIZE }, (_, index) => index + 1);
    const own = new Map<number, { quorum: number; election: number }>();
    for (const id of ids) {
      own.set(id, { quorum: await freePort(), election: await freePort() });
    }
    const members: Member[] = [];
    for (const id of ids) {
      const linksTo = new Map<number, readonly Link[]>();
      const config: Record<string, string | number> = {
        initLimit: 20,
        syncLimit: 10,
        ...options.config,
      };
      for (const [other, { quorum, election }] of own) {
        if (other === id) {
          config[`server.${id}`] = `127.0.0.1:${quorum}:${election}`;
        } else {
          const links = [await Link.open(quorum), await Link.open(election)];
          linksTo.set(other, links);
          const [data, votes] = links;
          config[`server.${other}`] = `127.0.0.1:${data?.port}:${votes?.port}`;
        }
      }
      const process = await ZookeeperProcess.create({
        serverId: id,
        port: await freePort(),
        tickTimeMs: options.tickTimeMs,
        config,
        jvmArgs: [
          `-Dzookeeper.fastleader.maxNotificationInterval=${LONGEST_SILENCE_MS}`,
          ...(options.jvmArgs ?? []),
        ],
        env: options.env ?? {},
      });
      members.push({ id, server: new ZookeeperServer(process), linksTo });
    }
    keepVotesOnLinks(members, own);
    const ensemble = new FaultyEnsemble(members);
    try {
      await Promise.all(members.map(({ server }) => server.start()));
    } catch (error) {
      await ensemble.close();
      throw error;
    }
    return ensemble;
  }

  private constructor(readonly members: readonly Member[]) {}

  async leader(): Promise<Member | undefined> {
    return (await this.#inMode('leader'))[0];
  }

  followers(): Promise<Member[]> {
    return this.#inMode('follower');
  }

  /** Whether it has a leader and a quorum. */
  async serves(): Promise<boolean> {
    const [leaders, followers] = await Promise.all([
      this.#inMode('leader'),
      this.#inMode('follower'),
    ]);
    return leaders.length === 1 && followers.length >= 1;
  }

  async untilServing(timeoutMs = 60_000): Promise<void> {
    await waitFor(() => this.serves(), {
      timeoutMs,
      description: 'the ensemble to have a leader and a quorum',
    });
  }

  /** A server that serves at this moment. */
  async anyServing(): Promise<Member> {
    return waitFor(
      async () => (await this.leader()) ?? (await this.followers())[0],
      { timeoutMs: 60_000, description: 'a server that serves' },
    );
  }

  /** All cables that a member talks over, from its end and from the others'. */
  linksOf(member: Member): Link[] {
    return [...this.linksFrom(member), ...this.linksInto(member)];
  }

  linksFrom({ linksTo }: Member): Link[] {
    return [...linksTo.values()].flat();
  }

  linksInto({ id }: Member): Link[] {
    return this.members.flatMap(({ linksTo }) => linksTo.get(id) ?? []);
  }

  get links(): Link[] {
    return this.members.flatMap((member) => this.linksFrom(member));
  }

  /** Starts what has been stopped, and mends all cables. */
  async repair(): Promise<void> {
    for (const link of this.links) {
      link.mend();
    }
    await Promise.all(
      this.members.map(async ({ server }) => {
        if (server.running) {
          server.resume();
        } else {
          await server.start();
        }
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map(({ server }) => server.close()));
    for (const link of this.links) {
      link.close();
    }
  }

  async #inMode(mode: 'leader' | 'follower'): Promise<Member[]> {
    const modes = await Promise.all(
      this.members.map(({ server }) => server.mode()),
    );
    return this.members.filter((_, index) => modes[index] === mode);
  }
}

/**
 * Of two servers, the one of the greater id calls the other back, at the address
 * that it was greeted with: that has to be the end of its own cable.
 */
function keepVotesOnLinks(
  members: readonly Member[],
  own: ReadonlyMap<number, { readonly election: number }>,
): void {
  for (const { id, linksTo } of members) {
    for (const [other, [, votes]] of linksTo) {
      const back = members
        .find((member) => member.id === other)
        ?.linksTo.get(id)?.[1];
      const address = Buffer.from(`127.0.0.1:${own.get(id)?.election}`);
      const substitute = Buffer.from(`127.0.0.1:${back?.port}`);
      if (votes && address.length === substitute.length) {
        votes.rewriteGreeting = (bytes) => {
          const at = bytes.indexOf(address);
          if (at >= 0) {
            substitute.copy(bytes, at);
          }
          return bytes;
        };
      }
    }
  }
}
