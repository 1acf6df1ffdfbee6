import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installPackages } from '../../scripts/support/apt-get.mjs';
import { inProject } from '../../scripts/support/project.mjs';
import type { Mutation } from './mutations.js';

/** Where Debian and Ubuntu put it. */
const FAKETIME_PATHS = ['x86_64', 'aarch64'].map(
  (cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketimeMT.so.1`,
);

/** Builds the library into `dist` of a directory, each module in a file of its own. */
export async function buildUnbundled(directory: string): Promise<void> {
  const { buildLibrary } =
    await import('../../scripts/support/build-library.mjs');
  await buildLibrary({
    check: false,
    isBundled: false,
    into: join(directory, 'dist'),
  });
}

/**
 * Builds a broken library. Throws when there is not exactly one place to change:
 * the mutation has to be written anew then.
 */
export async function mutate(
  directory: string,
  { changes }: Mutation,
): Promise<void> {
  await buildUnbundled(directory);
  for (const { file, original, replacement } of changes) {
    const path = join(directory, 'dist', file);
    const text = await readFile(path, 'utf8');
    const count = text.split(original).length - 1;
    if (count !== 1) {
      throw new Error(
        `The mutation does not fit any more: ${file} contains ${count} times\n${original}`,
      );
    }
    await writeFile(
      path,
      text.replace(original, () => replacement),
    );
  }
}

/** libfaketime, which makes the wall clock of a process adjustable. */
export async function findFaketime(): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return undefined;
  }
  const find = (): string | undefined => FAKETIME_PATHS.find(existsSync);
  if (!find()) {
    await installPackages(
      ['libfaketime'],
      'The faults set the clocks of processes.',
    ).catch(() => undefined);
  }
  return find();
}

/** A library that delays fsync() of the process that preloads it. */
export function buildSlowDisk(directory: string): string | undefined {
  if (process.platform !== 'linux') {
    return undefined;
  }
  const library = join(directory, 'slow-disk.so');
  const source = inProject('test/faults/slow-disk.c');
  const { status } = spawnSync(
    'gcc',
    ['-shared', '-fPIC', '-O2', '-o', library, source],
    { stdio: 'ignore' },
  );
  return status === 0 ? library : undefined;
}
