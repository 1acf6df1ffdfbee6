// @ts-check
/**
 * Everything that a run executes, compiled into a directory of its own: nobody
 * changes it while the run goes on, and the library in it may be broken on
 * purpose.
 */
import {
  cp,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { transform } from '@swc/core';
import ensureFreshBuild from '../../scripts/support/fresh-build.mjs';
import { inProject } from '../../scripts/support/project.mjs';
import { swcOptions } from '../../scripts/support/swc-options.mjs';

const SOURCES = ['test/support', 'test/faults'];

/**
 * @returns {Promise<{ directory: string, remove(): Promise<void> }>} with `dist`,
 *   `test` and `scripts` as in the project
 */
export async function build() {
  await ensureFreshBuild();
  const directory = inProject(
    'node_modules/.cache/faults',
    `${process.pid}-${Date.now()}`,
  );
  await mkdir(directory, { recursive: true });
  await writeFile(
    path.join(directory, 'package.json'),
    '{ "type": "module" }\n',
  );
  await cp(inProject('dist'), path.join(directory, 'dist'), {
    recursive: true,
  });
  await symlink(inProject('scripts'), path.join(directory, 'scripts'));
  for (const folder of SOURCES) {
    await compile(inProject(folder), path.join(directory, folder));
  }
  return {
    directory,
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/**
 * @param {string} from
 * @param {string} to
 */
async function compile(from, to) {
  const names = await readdir(from, { recursive: true });
  for (const name of names.filter((each) => each.endsWith('.ts'))) {
    const filename = path.join(from, name);
    const source = await readFile(filename, 'utf8');
    const { code } = await transform(source, { ...swcOptions, filename });
    const target = path.join(to, name.replace(/\.ts$/, '.js'));
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, code);
  }
}
