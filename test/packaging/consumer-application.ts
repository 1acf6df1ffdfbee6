import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readdir, readlink } from 'node:fs/promises';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const projectRoot = fileURLToPath(new URL('../..', import.meta.url));
const fixtures = path.join(projectRoot, 'test/fixtures');

const QUICK_INSTALL = ['--prefer-offline', '--no-audit', '--no-fund'];

/** Packs the library as `npm publish` would; returns the path of the tarball. */
export async function packLibrary(directory: string): Promise<string> {
  return path.join(directory, (await pack(directory)).filename);
}

/** What npm says of a package. */
export interface PackedLibrary {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

export async function pack(directory: string): Promise<PackedLibrary> {
  const { stdout } = await execute(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', directory],
    { cwd: projectRoot },
  );
  const [packed] = JSON.parse(stdout) as [PackedLibrary];
  return packed;
}

/** An application that uses the library as its users do: installed from npm. */
export class ConsumerApplication {
  private constructor(readonly directory: string) {}

  /** Copies a fixture to an empty directory, installs and compiles it there. */
  static async install(
    fixture: string,
    {
      into,
      tarball,
      build = ['node_modules/typescript/bin/tsc'],
    }: {
      into: string;
      tarball: string;
      /** What compiles it, for Node.js to run. */
      build?: string[];
    },
  ): Promise<ConsumerApplication> {
    const directory = path.join(into, fixture);
    await cp(path.join(fixtures, fixture), directory, { recursive: true });
    await execute('npm', ['install', ...QUICK_INSTALL, tarball], {
      cwd: directory,
    });
    const application = new ConsumerApplication(directory);
    await application.runNode(build);
    return application;
  }

  /** Runs a script to its end; resolves to what it wrote. */
  async runNode(args: string[]): Promise<string> {
    const { stdout, stderr } = await execute(process.execPath, args, {
      cwd: this.directory,
      // What tells the tests of a fixture that they run in the tests of ours.
      env: withoutJest(process.env),
    });
    return stdout + stderr;
  }

  /** Whether a package has been installed along. */
  has(name: string): boolean {
    return existsSync(path.join(this.directory, 'node_modules', name));
  }

  /** Runs a script; resolves to what it wrote, or rejects. */
  async evaluate(script: string): Promise<string> {
    const { stdout } = await execute(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { cwd: this.directory },
    );
    return stdout.trim();
  }

  start(
    connectionString: string,
    nodeOptions: string[] = [],
  ): RunningApplication {
    return this.spawn(connectionString, process.execPath, [
      ...nodeOptions,
      path.join(this.directory, 'dist/main.js'),
    ]);
  }

  /** Starts something that stays, in the directory of the application. */
  spawn(
    connectionString: string,
    command: string,
    args: string[],
    environment: NodeJS.ProcessEnv = {},
  ): RunningApplication {
    return start(this.directory, command, args, {
      CONNECTION_STRING: connectionString,
      ...environment,
    });
  }
}

/** Starts something that stays, in a directory. */
export function start(
  directory: string,
  command: string,
  args: string[],
  environment: NodeJS.ProcessEnv,
): RunningApplication {
  const child = spawn(command, args, {
    cwd: directory,
    env: { ...withoutJest(process.env), ...environment },
    stdio: 'pipe',
    // A group of its own, as a terminal gives to what is started in it.
    detached: true,
  });
  return new RunningApplication(child, directory);
}

function withoutJest(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !/^(JEST_|NODE_ENV$|NODE_OPTIONS$)/.test(name),
    ),
  );
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

  /** Ctrl-C: the terminal sends it to the whole group. */
  interrupt(): void {
    this.#signalGroup('SIGINT');
  }

  /** For the end of a failed test. */
  async kill(): Promise<void> {
    this.#signalGroup('SIGKILL');
    await this.exitCode;
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (pid !== undefined) {
      try {
        process.kill(-pid, signal);
      } catch {
        // All of them have ended.
      }
    }
  }

  /**
   * The ids of the processes that work in the directory of this application:
   * itself and its child processes, also those with another parent by now.
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
