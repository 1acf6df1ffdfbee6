import { afterAll, beforeAll } from '@jest/globals';
import {
  INSTALL_TIMEOUT_MS,
  type PackedLibrary,
} from '../../packaging/use-packed-library.js';
import { installManager, type Toolbox } from './package-managers.js';
import { startRegistry, type Registry } from './registry.js';

/** Applications can be installed with each package manager from a registry. */
export interface RegistryUse {
  readonly toolbox: Toolbox;
  /** How often the library has been asked for. */
  readonly requests: () => number;
  /** The path of a package manager, which is installed when it is first needed. */
  readonly manager: (name: string) => Promise<string>;
}

/** Starts a registry that has the library, for all tests of a file. */
export function useRegistry(library: PackedLibrary): RegistryUse {
  let registry: Registry;
  const managers = new Map<string, Promise<string>>();

  beforeAll(async () => {
    registry = await startRegistry(library.tarball);
  }, INSTALL_TIMEOUT_MS);
  afterAll(() => registry?.close());

  const use = {
    get toolbox(): Toolbox {
      return { directory: library.directory, registry: registry.url };
    },
    requests: () => registry.requests(),
    manager: (name: string) => {
      const known = managers.get(name) ?? installManager(name, use.toolbox);
      managers.set(name, known);
      return known;
    },
  };
  return use;
}
