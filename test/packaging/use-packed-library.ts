import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ZookeeperServer } from '../support/zookeeper-server.js';
import {
  packLibrary,
  start,
  type RunningApplication,
} from './consumer-application.js';

/** Longer than any installation takes, on a busy machine as well. */
export const INSTALL_TIMEOUT_MS = 600_000;

/** What a suite has that installs the library: its tarball, and where to put it. */
export class PackedLibrary {
  /** An empty directory, removed at the end. */
  directory!: string;
  tarball!: string;
  server!: ZookeeperServer;
  readonly #running: RunningApplication[] = [];

  /** Remembers an application, to kill it after the test. */
  track(application: RunningApplication): RunningApplication {
    this.#running.push(application);
    return application;
  }

  /** Starts something in a directory; it does not outlive the test. */
  start(...parameters: Parameters<typeof start>): RunningApplication {
    return this.track(start(...parameters));
  }

  async killAll(): Promise<void> {
    const running = this.#running.splice(0);
    await Promise.all(running.map((application) => application.kill()));
  }
}

/**
 * Packs the library for all tests of a file, and starts a server.
 *
 * @param name of the suite, for its directory
 */
export function usePackedLibrary(name: string): PackedLibrary {
  const library = new PackedLibrary();

  beforeAll(async () => {
    const prefix = path.join(tmpdir(), `zookeeper-leader-${name}-`);
    library.directory = await realpath(await mkdtemp(prefix));
    library.tarball = await packLibrary(library.directory);
    library.server = await ZookeeperServer.start();
  }, INSTALL_TIMEOUT_MS);
  afterEach(() => library.killAll());
  afterAll(async () => {
    await library.server?.close();
    await rm(library.directory, { recursive: true, force: true });
  });

  return library;
}
