import { afterAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import {
  expectCleanExit,
  expectGuardian,
  untilItSays,
} from '../packaging/expect-clean-run.js';
import {
  INSTALL_TIMEOUT_MS,
  usePackedLibrary,
} from '../packaging/use-packed-library.js';
import { compile, writeApplication } from './matrix/application.js';
import { COMBINATIONS, nameOf } from './matrix/combinations.js';
import { managerOf, runManager } from './matrix/package-managers.js';
import { writeResults, type Result } from './matrix/results.js';
import { useRegistry } from './matrix/use-registry.js';
import { installNode, type NodeRelease } from './node-release.js';

const library = usePackedLibrary('matrix');
const registry = useRegistry(library);
const results: Result[] = [];
const releases = new Map<string, Promise<NodeRelease>>();

afterAll(() => writeResults(COMBINATIONS, results));

function releaseOf(range: string): Promise<NodeRelease> {
  const known = releases.get(range) ?? installNode(range, library.directory);
  releases.set(range, known);
  return known;
}

describe('an application is installed, compiles, leads and ends', () => {
  it.each(COMBINATIONS.map((each) => [nameOf(each), each] as const))(
    '%s',
    async (name, combination) => {
      const { node, manager } = combination;
      const at = path.join(library.directory, name.replaceAll(/\W+/g, '-'));
      results.push({ combination, outcome: 'failed' });
      const bin = await registry.manager(manager);
      const { version, executable } = await releaseOf(node);
      expect(version).toMatch(new RegExp(`^${node}\\.`));

      await writeApplication(at, combination, registry.toolbox);
      await runManager(manager, bin, managerOf(manager).install, at);
      await compile(at, combination, bin);
      const application = library.start(
        at,
        executable,
        [
          ...(managerOf(manager).nodeOptions?.(at) ?? []),
          path.join(at, 'dist/main.js'),
        ],
        {
          CONNECTION_STRING: library.server.connectionString,
          BASE_PATH: `/compat-${results.length}`,
        },
      );
      await untilItSays(application, 'task ran, leading: true', 60_000);
      await expectGuardian(application);
      await expectCleanExit(application);
      const today = new Date().toISOString().slice(0, 10);
      results.pop();
      results.push({ combination, outcome: `ran on ${today}` });
      await rm(at, { recursive: true, force: true });
    },
    INSTALL_TIMEOUT_MS,
  );

  it('and its package was asked for at the registry', () => {
    expect(registry.requests()).toBeGreaterThan(0);
  });
});
