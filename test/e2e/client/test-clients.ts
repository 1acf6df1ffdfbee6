import { KeeperClient } from '../../../lib/native/keeper-client.js';
import { NodePaths } from '../../../lib/node-paths.js';
import {
  WireClient,
  type WireClientOptions,
} from '../../../lib/zookeeper/wire-client.js';
import type {
  ConnectionState,
  ZookeeperClient,
} from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { waitFor } from '../../support/wait-for.js';

export const SESSION_TIMEOUT_MS = 2_000;

export interface TestClientOptions {
  readonly ports: readonly number[];
  readonly sessionTimeoutMs?: number;
  /** Is given what an operator is told. */
  readonly notices?: string[];
}

/** The clients that the library can work with. */
export const CLIENTS: Record<
  string,
  (options: TestClientOptions) => ZookeeperClient
> = {
  WireClient: (options) => wireClient(options),
  KeeperClient: ({ ports, sessionTimeoutMs, notices }) =>
    new KeeperClient({
      servers: ports.map((port) => ({ host: '127.0.0.1', port })),
      sessionTimeoutMs: sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
      maxStallMs: 30_000,
      onNotice: ({ text }) => notices?.push(text),
    }),
};

export function wireClient(
  { ports, sessionTimeoutMs, notices }: TestClientOptions,
  options: Partial<WireClientOptions> = {},
): WireClient {
  return new WireClient({
    servers: ports.map((port) => ({ host: '127.0.0.1', port })),
    sessionTimeoutMs: sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    acl: 'open',
    paths: new NodePaths('/contract'),
    onNotice: ({ text }) => notices?.push(text),
    ...options,
  });
}

export async function reached(
  client: ZookeeperClient,
  state: ConnectionState,
): Promise<void> {
  await waitFor(() => client.connection.state === state, {
    description: `the state ${state}`,
  });
}

/** Starts a client and waits until it is connected. */
export async function connected<T extends ZookeeperClient>(
  client: T,
): Promise<T> {
  await client.start();
  await reached(client, 'connected');
  return client;
}
