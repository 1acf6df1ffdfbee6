import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';
import {
  serverSecurity,
  type ServerSecurity,
  type ServerSecurityOptions,
} from './server-security.js';
import { waitFor } from './wait-for.js';
import { ZookeeperServer } from './zookeeper-server.js';

export interface SecureServerOptions extends ServerSecurityOptions {
  /** Further lines of zoo.cfg. */
  readonly config?: ServerSecurity['config'];
}

/** A real server with a port for TLS, one without, and logins by SASL. */
export class SecureServer {
  static async start(options: SecureServerOptions): Promise<SecureServer> {
    const tlsPort = await freePort();
    const security = serverSecurity(options, `jaas-${tlsPort}.conf`);
    const server = await ZookeeperServer.start({
      ...security,
      config: {
        secureClientPort: tlsPort,
        secureClientPortAddress: '127.0.0.1',
        ...security.config,
        ...options.config,
      },
    });
    await waitFor(() => accepts(tlsPort), { description: 'the port for TLS' });
    return new SecureServer(server, tlsPort);
  }

  private constructor(
    readonly server: ZookeeperServer,
    readonly tlsPort: number,
  ) {}

  get port(): number {
    return this.server.port;
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } finally {
    socket.destroy();
  }
}
