import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, readdir, readlink } from 'node:fs/promises';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildEnvironment } from '../../scripts/support/dependencies.mjs';

const execute = promisify(execFile);
const projectRoot = fileURLToPath(new URL('../..', import.meta.url));
const fixtures = path.join(projectRoot, 'test/fixtures');

const QUICK_INSTALL = ['--prefer-offline', '--no-audit', '--no-fund'];

/** Packs the library as `npm publish` would; returns the path of the tarball. */
export async function packLibrary(directory: string): Promise<string> {
  const { stdout } = await execute(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', directory],
    { cwd: projectRoot },
  );
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return path.join(directory, filename);
}

/** An application that uses the library as its users do: installed from npm. */
export class ConsumerApplication {
  private constructor(private readonly directory: string) {}

  /** Copies a fixture to an empty directory, installs and compiles it there. */
  static async install(
    fixture: string,
    { into, tarball }: { into: string; tarball: string },
  ): Promise<ConsumerApplication> {
    const directory = path.join(into, fixture);
    await cp(path.join(fixtures, fixture), directory, { recursive: true });
    await execute('npm', ['install', ...QUICK_INSTALL, tarball], {
      cwd: directory,
      env: buildEnvironment(),
    });
    await execute(process.execPath, ['node_modules/typescript/bin/tsc'], {
      cwd: directory,
    });
    return new ConsumerApplication(directory);
  }

  start(
    connectionString: string,
    nodeOptions: string[] = [],
  ): RunningApplication {
    const main = path.join(this.directory, 'dist/main.js');
    const child = spawn(process.execPath, [...nodeOptions, main], {
      cwd: this.directory,
      env: { ...process.env, CONNECTION_STRING: connectionString },
      stdio: 'pipe',
    });
    return new RunningApplication(child, this.directory);
  }
}

export class RunningApplication {
  output = '';
  readonly exitCode: Promise<number | null>;

  constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
  ) {
    const collect = (chunk: Buffer) => (this.output += chunk.toString());
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    this.exitCode = once(child, 'close').then(([code]) => code as number);
  }

  /** Tells the application to close itself. */
  requestClose(): void {
    this.child.stdin?.end();
  }

  /** For the end of a failed test. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exitCode;
  }

  /**
   * The ids of the processes that work in the directory of this application:
   * itself and its session keepers, whoever is their parent by now.
   */
  async processes(): Promise<number[]> {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const directories = await Promise.all(
      // A process may end meanwhile, and those of others are not to be seen.
      pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => undefined)),
    );
    return pids
      .filter((_, index) => directories[index] === this.directory)
      .map(Number);
  }
}
