import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const KEPT_STDERR_CHARACTERS = 2_000;
const LONGEST_EXIT_MS = 250;

/** The environment that such a process needs; the rest may hold secrets or hooks. */
const PASSED_ENVIRONMENT = [
  'PATH',
  'LD_LIBRARY_PATH',
  'SystemRoot',
  'TZ',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_USE_SYSTEM_CA',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'OPENSSL_CONF',
];

/** The versions that have been seen to start with all of these options. */
const NEWEST_KNOWN_NODE = 26;
/** What keeps the process small: without compilers it takes 3 to 7 MiB less. */
const NODE_OPTIONS =
  Number.parseInt(process.versions.node, 10) <= NEWEST_KNOWN_NODE
    ? [
        '--v8-pool-size=0',
        '--max-semi-space-size=1',
        '--max-old-space-size=64',
        '--no-opt',
        '--no-maglev',
        '--no-sparkplug',
      ]
    : [];

/** Whom TLS trusts and what it can do is said by the same options as in the application. */
const TLS_OPTIONS =
  /^--(?:use-(?:openssl|bundled|system)-ca|openssl-(?:legacy-provider|shared-config|config=.+)|tls-(?:cipher-list=.+|(?:min|max)-v1\.[0-3]))$/;

/** How such a process has come to its end. */
export interface SideProcessEnd {
  /** Goes on where the name of the process ends. */
  readonly description: string;
  /** Why it could not be had, where another attempt makes no sense. */
  readonly fatalReason?: string;
}

/**
 * A process of this package beside the application. It leads a group of its
 * own: Ctrl-C does not reach it. It inherits neither debugger flags nor the
 * application's environment.
 */
export class SideProcess {
  /** Undefined if it could not even be tried. */
  readonly child: ChildProcess | undefined;
  /** Called once, when all that the process has written has been read. */
  onEnd: (end: SideProcessEnd) => void = () => undefined;
  #stderr = '';

  /** @param channel what the process has as its file descriptor 3 */
  constructor(file: string, channel: 'pipe' | 'ipc') {
    try {
      this.child = start(file, channel);
      this.#listen(this.child);
    } catch (error) {
      // Not all failures to start are reported by an event.
      process.nextTick(() => this.#notStarted(error as Error));
    }
  }

  /**
   * Whether the process runs, asked without the help of the event loop. Linux
   * only: elsewhere the end of one process does not end the others.
   */
  isRunning(): boolean {
    try {
      // A dead child whose exit has not been collected is a zombie, "Z".
      const stat = readFileSync(`/proc/${this.child?.pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
    } catch {
      return false;
    }
  }

  kill(): void {
    this.child?.stderr?.destroy();
    this.child?.kill('SIGKILL');
  }

  #listen(child: ChildProcess): void {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR_CHARACTERS);
    });
    child.on('error', (error) => {
      if (child.pid === undefined) {
        this.#notStarted(error);
      }
    });
    // The last messages may be read after the end of the process is noticed.
    child.on('close', (code, signal) => {
      const how = signal ? `by ${signal}` : `with code ${code}`;
      const said = this.#stderr.trim();
      this.onEnd({
        description: `ended ${how}${said && `, saying: ${said}`}`,
      });
    });
  }

  #notStarted(error: Error): void {
    this.onEnd({
      description: `could not be started: ${error.message}`,
      fatalReason: error.message,
    });
  }
}

function start(file: string, channel: 'pipe' | 'ipc'): ChildProcess {
  if (isBuiltIntoNode()) {
    throw new Error(
      `${process.execPath} runs the application and no file beside it. Run the ` +
        'application by node, or set the option guardian to false or to a socket',
    );
  }
  if (!existsSync(file)) {
    throw new Error(
      `its file ${file} does not exist. Install nestjs-zookeeper-leader again ` +
        'or, if your application is bundled, keep the package out of the bundle ' +
        '("externals")',
    );
  }
  const options = [
    ...process.execArgv,
    ...(process.env.NODE_OPTIONS ?? '').split(/\s+/),
  ].filter((option) => TLS_OPTIONS.test(option));
  return spawn(
    process.execPath,
    [
      ...NODE_OPTIONS,
      ...new Set(options),
      ...plugAndPlayOptions(file),
      file,
      String(process.pid),
    ],
    {
      detached: true,
      windowsHide: true,
      env: Object.fromEntries(
        PASSED_ENVIRONMENT.flatMap((name) => {
          const value = process.env[name];
          return value === undefined ? [] : [[name, value]];
        }),
      ),
      stdio: ['ignore', 'ignore', 'pipe', channel],
    },
  );
}

/** Where the program of this process starts the application, whatever it is told. */
function isBuiltIntoNode(): boolean {
  const sea = process.getBuiltinModule('node:sea') as
    { isSea(): boolean } | undefined;
  return (
    sea?.isSea() === true ||
    process.versions.electron !== undefined ||
    'pkg' in process
  );
}

/** Yarn's Plug'n'Play keeps packages in archives, which Node.js cannot read. */
function plugAndPlayOptions(file: string): string[] {
  return process.versions.pnp === undefined
    ? []
    : ['--require', createRequire(file).resolve('pnpapi')];
}

/**
 * Waits for a process to end while this one exits and no event loop runs: the
 * end of this process may be the end of the other, as in a container.
 */
export function awaitEndAtExit(isRunning: () => boolean): void {
  const deadline = performance.now() + LONGEST_EXIT_MS;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (performance.now() < deadline && isRunning()) {
    Atomics.wait(pause, 0, 0, 1);
  }
}
