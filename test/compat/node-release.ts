import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A version of Node.js beside the one that runs the tests. */
export interface NodeRelease {
  readonly executable: string;
  readonly version: string;
  /** Where its headers are, for node-gyp. */
  readonly prefix: string;
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
    ['install', '--no-audit', '--no-fund', `${name}@${range}`],
    { cwd: directory },
  );
  const prefix = path.join(directory, 'node_modules', name);
  const manifest = JSON.parse(
    await readFile(path.join(prefix, 'package.json'), 'utf8'),
  ) as { version: string };
  return {
    executable: path.join(prefix, 'bin/node'),
    version: manifest.version,
    prefix,
  };
}

/** Compiles the native client of an application for a version of Node.js. */
export async function rebuildClient(
  directory: string,
  { prefix }: NodeRelease,
): Promise<void> {
  await execute('npm', ['rebuild', 'zookeeper'], {
    cwd: directory,
    env: {
      ...process.env,
      PATH: `${path.join(prefix, 'bin')}${path.delimiter}${process.env.PATH}`,
      npm_config_nodedir: prefix,
      npm_package_config_node_gyp_nodedir: prefix,
    },
  });
}
