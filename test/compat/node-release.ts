import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A version of Node.js beside the one that runs the tests. */
export interface NodeRelease {
  readonly executable: string;
  readonly version: string;
}

/** Installs the newest Node.js of a version range, as the npm package has it. */
export async function installNode(
  range: string,
  into: string,
): Promise<NodeRelease> {
  const directory = path.join(into, `node-${range}`);
  const name = `node-${process.platform}-${process.arch}`;
  await mkdir(directory, { recursive: true });
  await writeFile(path.join(directory, 'package.json'), '{"private":true}');
  await execute(
    'npm',
    [
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${name}@${range}`,
    ],
    { cwd: directory },
  );
  const prefix = path.join(directory, 'node_modules', name);
  const manifest = JSON.parse(
    await readFile(path.join(prefix, 'package.json'), 'utf8'),
  ) as { version: string };
  return {
    executable: path.join(prefix, 'bin/node'),
    version: manifest.version,
  };
}
