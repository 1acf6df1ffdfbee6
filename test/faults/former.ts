import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { inProject } from '../../scripts/support/project.mjs';

/** What a build needs of the project. */
const SOURCES = [
  ...['lib', 'scripts', 'package.json', 'nest-cli.json'],
  ...['tsconfig.json', 'tsconfig.build.json', 'tsconfig.build.cjs.json'],
];

/**
 * The library of an earlier commit, built from the history of the project.
 * Undefined where the history does not go back that far.
 *
 * @returns URL of its entry point
 */
export async function buildFormer(commit: string): Promise<string | undefined> {
  const hash = await git('rev-parse', '--verify', '--quiet', `${commit}^0`)
    .then((output) => output.trim())
    .catch(() => undefined);
  if (hash === undefined) {
    return undefined;
  }
  const directory = inProject('node_modules/.cache/former', hash);
  if (!existsSync(directory)) {
    const work = `${directory}.${process.pid}`;
    try {
      await mkdir(work, { recursive: true });
      const archive = join(work, 'sources.tar');
      await git('archive', `--output=${archive}`, hash, ...SOURCES);
      await run('tar', ['-xf', archive, '-C', work]);
      // Both versions share one Nest.
      await symlink(inProject('node_modules'), join(work, 'node_modules'));
      await run(process.execPath, [join(work, 'scripts/build.mjs')]);
      await rename(work, directory);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return pathToFileURL(join(directory, 'dist/esm/index.js')).href;
}

function git(...args: string[]): Promise<string> {
  return run('git', ['-C', inProject(), ...args]);
}

async function run(command: string, args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args);
  return stdout;
}
