import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from '@jest/globals';
import { extractCode } from '../../scripts/support/extract-code.mjs';

const execute = promisify(execFile);
const projectRoot = fileURLToPath(new URL('../..', import.meta.url));
// Below the project, so that its packages, and itself, can be imported.
const directory = path.join(projectRoot, 'node_modules/.cache/documentation');

afterAll(() => rm(directory, { recursive: true, force: true }));

it('every TypeScript block of the documentation compiles', async () => {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const docs = await readdir(path.join(projectRoot, 'docs'));
  const pages = ['README.md', ...docs.map((name) => `docs/${name}`)].filter(
    (name) => name.endsWith('.md'),
  );
  let blocks = 0;
  for (const page of pages) {
    const text = await readFile(path.join(projectRoot, page), 'utf8');
    for (const [index, code] of extractCode(text).entries()) {
      const name = `${page.replaceAll(/\W/g, '-')}-${index + 1}.ts`;
      await writeFile(path.join(directory, name), code);
      blocks += 1;
    }
  }
  await writeFile(path.join(directory, 'package.json'), '{"type":"module"}');
  await writeFile(
    path.join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: path.join(projectRoot, 'tsconfig.json'),
      compilerOptions: {
        noEmit: true,
        noUnusedLocals: false,
        noUnusedParameters: false,
        rootDir: projectRoot,
      },
      include: ['*.ts'],
      exclude: [],
    }),
  );
  expect(blocks).toBeGreaterThan(3);
  const result = await execute(process.execPath, [
    path.join(projectRoot, 'node_modules/typescript/bin/tsc'),
    '-p',
    directory,
  ]).catch((error: unknown) => error as { stdout: string });
  expect(result.stdout).toBe('');
});
