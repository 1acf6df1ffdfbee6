import { existsSync, readFileSync } from 'node:fs';
import { fourLetterWord } from '../../scripts/zookeeper/four-letter-word.mjs';
import {
  startZookeeper,
  type StartOptions,
} from '../../scripts/zookeeper/server.mjs';
import type { ServerSettings } from '../../scripts/zookeeper/configuration.mjs';
import { secured } from './secure-connections.js';
import { waitFor } from './wait-for.js';

export type ZookeeperServerOptions = StartOptions & ServerSettings;

export type ServerMode = 'standalone' | 'leader' | 'follower';

/** What runs a server. */
export interface ServerProcess {
  readonly port: number;
  readonly connectionString: string;
  readonly pid: number | undefined;
  readonly running: boolean;
  readonly output: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  wipe(): Promise<void>;
  close(): Promise<void>;
  /** Where a signal would not do. */
  pause?(): void;
  resume?(): void;
}

/** What a server knows about one of its sessions. */
export interface ServerSession {
  /** Paths of its ephemeral nodes, sorted. */
  ephemerals: string[];
  /** Has a connection to this very server. */
  connected: boolean;
  /** Negotiated; known of connected sessions only. */
  timeoutMs?: number;
}

/**
 * A real ZooKeeper server under the control of a test: it can be killed,
 * restarted with its data or without, frozen, and asked what it sees.
 */
export class ZookeeperServer {
  static async start(
    options: ZookeeperServerOptions = {},
  ): Promise<ZookeeperServer> {
    // Set by `npm run test:testing-server`, for tests that need no quorum.
    if (process.env.TEST_ZOOKEEPER === 'testing') {
      // Loads the library, which the fault suite has in another place.
      const { TestingProcess } = await import('./testing-process.js');
      return new ZookeeperServer(await TestingProcess.start(options));
    }
    return new ZookeeperServer(await startZookeeper(secured(options)));
  }

  readonly port: number;
  readonly connectionString: string;

  constructor(private readonly process: ServerProcess) {
    this.port = process.port;
    this.connectionString = process.connectionString;
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  get running(): boolean {
    return this.process.running;
  }

  /** The server's last warnings and errors. */
  get output(): string {
    return this.process.output;
  }

  /** kill -9; the data stay. */
  stop(): Promise<void> {
    return this.process.stop();
  }

  /** Starts a stopped server on its port and data, and waits until it serves. */
  start(): Promise<void> {
    return this.process.start();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Freezes the server: its connections stay open and nobody answers. */
  async pause(): Promise<void> {
    if (this.process.pause) {
      this.process.pause();
      return;
    }
    const stat = `/proc/${this.signal('SIGSTOP')}/stat`;
    if (existsSync('/proc/self/stat')) {
      await waitFor(() => / T /.test(readFileSync(stat, 'utf8')), {
        description: 'the ZooKeeper server to be stopped',
      });
    }
  }

  resume(): void {
    if (this.process.resume) {
      this.process.resume();
      return;
    }
    this.signal('SIGCONT');
  }

  /** Makes a stopped server come back empty. */
  wipe(): Promise<void> {
    return this.process.wipe();
  }

  /** Stops the server and removes all that it left. May be called again. */
  close(): Promise<void> {
    return this.process.close();
  }

  /** The answer to a four-letter word. */
  command(word: string): Promise<string> {
    return fourLetterWord(this.port, word);
  }

  /** Undefined while it does not serve, because it is down or has no quorum. */
  async mode(): Promise<ServerMode | undefined> {
    const answer = await fourLetterWord(this.port, 'srvr', {
      timeoutMs: 1000,
    }).catch(() => '');
    return /^Mode: (\w+)$/m.exec(answer)?.[1] as ServerMode | undefined;
  }

  /**
   * The numbers of "mntr" by name, without the common prefix: `packets_received`,
   * `packets_sent`, `num_alive_connections`, `znode_count`, `watch_count`, ...
   */
  async counters(): Promise<Record<string, number>> {
    const counters: Record<string, number> = {};
    for (const line of (await this.command('mntr')).split('\n')) {
      const [name = '', value = ''] = line.split('\t');
      if (value !== '' && Number.isFinite(Number(value))) {
        counters[name.replace(/^zk_/, '')] = Number(value);
      }
    }
    return counters;
  }

  /**
   * The sessions that own ephemeral nodes or are connected here, by their id in
   * hexadecimal. A follower does not know the ephemeral nodes of other sessions.
   */
  async sessions(): Promise<Map<string, ServerSession>> {
    const sessions = new Map<string, ServerSession>();
    const [dump, connections] = await Promise.all([
      this.command('dump'),
      this.command('cons'),
    ]);
    const [, withEphemerals = ''] = dump.split(/Sessions with Ephemerals.*/);
    for (const block of withEphemerals.split(/^0x/m).slice(1)) {
      const [id = '', ...paths] = block.split('\n').map((line) => line.trim());
      sessions.set(id.replace(/:$/, ''), {
        ephemerals: paths.filter((path) => path.startsWith('/')).toSorted(),
        connected: false,
      });
    }
    for (const match of connections.matchAll(/sid=0x([0-9a-f]+).*?to=(\d+)/g)) {
      const [, id = '', timeout] = match;
      const { ephemerals } = sessions.get(id) ?? { ephemerals: [] };
      const timeoutMs = Number(timeout);
      sessions.set(id, { ephemerals, connected: true, timeoutMs });
    }
    return sessions;
  }

  private signal(signal: 'SIGSTOP' | 'SIGCONT'): number {
    const { pid } = this.process;
    if (pid === undefined) {
      throw new Error(`The ZooKeeper server does not run: no ${signal}.`);
    }
    process.kill(pid, signal);
    return pid;
  }
}
