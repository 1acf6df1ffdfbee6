import { once } from 'node:events';
import type { TestingRelease } from '../testing/server/release.js';
import type { CliOutput } from './cli-session.js';
import { CliError, EXIT, type ExitCode } from './exit-codes.js';

/** The options of `dev-server`. */
export interface DevServerOptions {
  readonly port: number;
  readonly release?: TestingRelease;
}

/** `dev-server`: a fake ZooKeeper on this machine, until it is interrupted. */
export async function devServer(
  { port, release }: DevServerOptions,
  output: CliOutput,
  signal: AbortSignal,
): Promise<ExitCode> {
  // Loaded only where it is asked for.
  const { TestingServer } = await import('../testing/server/testing-server.js');
  const server = await TestingServer.start({
    port,
    log: false,
    ...(release && { release }),
  }).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CliError(
      code === undefined ? EXIT.usage : EXIT.failed,
      code === 'EADDRINUSE'
        ? `Port ${port} is taken: by a ZooKeeper that you can use as it is? Choose another one with --port.`
        : message,
    );
  });
  output.out(
    [
      `A fake ZooKeeper for development serves on ${server.connectionString}. It keeps everything in memory. Not for production.`,
      `Your application finds it with ZOOKEEPER_CONNECTION_STRING=${server.connectionString}. Ctrl-C ends it.`,
    ].join('\n'),
  );
  if (!signal.aborted) {
    await once(signal, 'abort');
  }
  await server.close();
  return EXIT.done;
}
