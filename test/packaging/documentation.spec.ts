import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { transform } from '@swc/core';
import { extractCode } from '../../scripts/support/extract-code.mjs';

const execute = promisify(execFile);
const projectRoot = fileURLToPath(new URL('../..', import.meta.url));
// Below the project: its packages, and itself, can be imported.
const directory = path.join(projectRoot, 'node_modules/.cache/documentation');

interface Block {
  readonly page: string;
  readonly code: string;
  /** Without its ending. */
  readonly file: string;
}

let pages: string[];
const blocks: Block[] = [];

beforeAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const docs = await readdir(path.join(projectRoot, 'docs'));
  pages = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...docs.map((name) => `docs/${name}`),
  ].filter((name) => name.endsWith('.md'));
  for (const page of pages) {
    const text = await readFile(path.join(projectRoot, page), 'utf8');
    for (const [index, code] of extractCode(text).entries()) {
      const file = `${page.replaceAll(/\W/g, '-')}-${index + 1}`;
      blocks.push({ page, code, file });
    }
  }
});

afterAll(() => rm(directory, { recursive: true, force: true }));

it('every TypeScript block of the documentation compiles', async () => {
  for (const { file, code } of blocks) {
    await writeFile(path.join(directory, `${file}.ts`), code);
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
  expect(blocks.length).toBeGreaterThan(20);
  const result = await execute(process.execPath, [
    path.join(projectRoot, 'node_modules/typescript/bin/tsc'),
    '-p',
    directory,
  ]).catch((error: unknown) => error as { stdout: string });
  expect(result.stdout).toBe('');
});

it('every block of the tutorial and about testing that needs no test runner runs', async () => {
  const runnable = blocks.filter(
    ({ page, code }) =>
      ['docs/testing.md', 'docs/tutorial.md'].includes(page) &&
      !code.includes('@jest/globals'),
  );
  expect(runnable.length).toBeGreaterThan(6);
  const files = await Promise.all(
    runnable.map(async ({ file, code }) => {
      const { code: script } = await transform(code, {
        swcrc: false,
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      });
      const name = path.join(directory, `${file}.mjs`);
      await writeFile(name, `import 'reflect-metadata';\n${script}`);
      return name;
    }),
  );
  for (const file of files) {
    const { stderr } = await execute(process.execPath, [file]);
    expect({ file, stderr }).toEqual({ file, stderr: '' });
  }
});

it('every link to a file of the repository leads to one', async () => {
  const broken: string[] = [];
  let links = 0;
  for (const page of pages) {
    const text = await readFile(path.join(projectRoot, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) {
        continue;
      }
      links += 1;
      const [file = '', anchor] = target.split('#');
      const found = path.join(
        projectRoot,
        file === '' ? page : path.join(path.dirname(page), file),
      );
      const isThere =
        existsSync(found) &&
        (anchor === undefined || (await anchorsOf(found)).includes(anchor));
      if (!isThere) {
        broken.push(`${page}: ${target}`);
      }
    }
  }
  expect(links).toBeGreaterThan(20);
  expect(broken).toEqual([]);
});

/** The names of the headings of a page, as they are linked to. */
async function anchorsOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
