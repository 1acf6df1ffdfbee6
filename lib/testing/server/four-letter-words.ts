import type { ServerState } from './server-state.js';

/** A connection, as the four-letter words describe it. */
export interface ConnectionFacts {
  readonly session: string;
  readonly timeoutMs: number;
  readonly remotePort: number;
  readonly received: number;
  readonly sent: number;
}

/** What the four-letter words tell. */
export interface ServerFacts {
  readonly state: ServerState;
  readonly version: string;
  readonly connections: readonly ConnectionFacts[];
  /** Packets since the start, of connections that have ended, too. */
  readonly received: number;
  readonly sent: number;
}

const WORDS: Record<string, (facts: ServerFacts) => string> = {
  ruok: () => 'imok',
  isro: () => 'rw',
  srvr: (facts) =>
    lines([
      `Zookeeper version: ${facts.version}`,
      `Received: ${facts.received}`,
      `Sent: ${facts.sent}`,
      `Connections: ${facts.connections.length}`,
      `Outstanding: 0`,
      `Zxid: 0x${facts.state.zxid.toString(16)}`,
      `Mode: standalone`,
      `Node count: ${facts.state.tree.size}`,
    ]),
  mntr: (facts) =>
    lines(
      Object.entries({
        version: facts.version,
        server_state: 'standalone',
        packets_received: facts.received,
        packets_sent: facts.sent,
        num_alive_connections: facts.connections.length,
        znode_count: facts.state.tree.size,
        watch_count: facts.state.watches.size,
        ephemerals_count: ephemerals(facts).flatMap(({ paths }) => paths)
          .length,
        global_sessions: facts.state.sessions.ids.length,
      }).map(([name, value]) => `zk_${name}\t${value}`),
    ),
  cons: ({ connections }) =>
    lines(
      connections.map(
        ({ session, timeoutMs, remotePort, received, sent }) =>
          ` /127.0.0.1:${remotePort}[1](recved=${received},sent=${sent},sid=0x${session},to=${timeoutMs})`,
      ),
    ),
  dump: (facts) =>
    lines([
      `Sessions (${facts.state.sessions.ids.length}):`,
      ...facts.state.sessions.ids.map((id) => `\t0x${id}`),
      `Sessions with Ephemerals (${ephemerals(facts).length}):`,
      ...ephemerals(facts).flatMap(({ id, paths }) => [
        `0x${id}:`,
        ...paths.map((path) => `\t${path}`),
      ]),
    ]),
};

/** The answer to a four-letter word; undefined if it is none that is known. */
export function fourLetterWord(
  word: string,
  facts: () => ServerFacts,
): string | undefined {
  return WORDS[word]?.(facts());
}

function ephemerals({ state }: ServerFacts): { id: string; paths: string[] }[] {
  return state.tree.owners
    .map((id) => ({ id, paths: state.tree.ephemeralsOf(id) }))
    .filter(({ paths }) => paths.length > 0);
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
