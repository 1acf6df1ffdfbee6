import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  packLibrary,
  start,
  type RunningApplication,
} from '../packaging/consumer-application.js';
import { untilItSays } from '../packaging/expect-clean-run.js';
import { waitFor } from '../support/wait-for.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';
import { compile, writeApplication } from './matrix/application.js';
import { COMBINATIONS, nameOf } from './matrix/combinations.js';
import {
  installManager,
  managerOf,
  runManager,
  type Toolbox,
} from './matrix/package-managers.js';
import { startRegistry, type Registry } from './matrix/registry.js';
import { writeResults, type Result } from './matrix/results.js';
import { installNode } from './node-release.js';

const TIMEOUT_MS = 600_000;

let directory: string;
let server: ZookeeperServer;
let registry: Registry;
let toolbox: Toolbox;
let running: RunningApplication | undefined;
const results: Result[] = [];
const installed = new Map<string, Promise<string>>();

beforeAll(async () => {
  directory = await realpath(
    await mkdtemp(path.join(tmpdir(), 'zookeeper-leader-matrix-')),
  );
  registry = await startRegistry(await packLibrary(directory));
  toolbox = { directory, registry: registry.url };
  server = await ZookeeperServer.start();
}, TIMEOUT_MS);

afterEach(async () => {
  await running?.kill();
  running = undefined;
});

afterAll(async () => {
  await writeResults(COMBINATIONS, results);
  await server?.close();
  await registry?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Installed once, whatever number of combinations needs it. */
function once(key: string, install: () => Promise<string>): Promise<string> {
  const known = installed.get(key) ?? install();
  installed.set(key, known);
  return known;
}

describe('an application is installed, compiles, leads and ends', () => {
  it.each(COMBINATIONS.map((each) => [nameOf(each), each] as const))(
    '%s',
    async (name, combination) => {
      const { node, manager } = combination;
      const at = path.join(directory, name.replaceAll(/\W+/g, '-'));
      const outcome = { combination, outcome: 'failed' };
      results.push(outcome);
      const bin = await once(manager, () => installManager(manager, toolbox));
      const executable = await once(node, async () => {
        const release = await installNode(node, directory);
        expect(release.version).toMatch(new RegExp(`^${node}\\.`));
        return release.executable;
      });

      await writeApplication(at, combination, toolbox);
      await runManager(manager, bin, managerOf(manager).install, at);
      await compile(at, combination, bin);
      running = start(
        at,
        executable,
        [
          ...(managerOf(manager).nodeOptions?.(at) ?? []),
          path.join(at, 'dist/main.js'),
        ],
        {
          CONNECTION_STRING: server.connectionString,
          BASE_PATH: `/compat-${results.length}`,
        },
      );
      await untilItSays(running, 'task ran, leading: true', 60_000);
      running.requestClose();
      expect({
        exitCode: await running.exitCode,
        output: running.output,
      }).toEqual({
        exitCode: 0,
        output: expect.not.stringMatching(/error/i),
      });
      await waitFor(async () => (await running?.processes())?.length === 0, {
        description: 'the processes of the application to end',
      });
      const today = new Date().toISOString().slice(0, 10);
      results[results.indexOf(outcome)] = {
        combination,
        outcome: `ran on ${today}`,
      };
      await rm(at, { recursive: true, force: true });
    },
    TIMEOUT_MS,
  );

  it('and its package was asked for at the registry', () => {
    expect(registry.requests()).toBeGreaterThan(0);
  });
});
