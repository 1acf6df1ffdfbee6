import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { PassThrough, type Duplex } from 'node:stream';
import { plugAndPlayOptions } from '../../plug-and-play.js';
import guardianModule from '../guardian-path.cjs';
import type { GuardianLink, LinkEnd } from './guardian-link.js';

const KEPT_STDERR_CHARACTERS = 2_000;

/** The environment that a guardian needs; the rest may hold secrets or hooks. */
const PASSED_ENVIRONMENT = [
  'PATH',
  'LD_LIBRARY_PATH',
  'SystemRoot',
  'TZ',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];

/** The versions that have been seen to start with all of these options. */
const NEWEST_KNOWN_NODE = 26;
/** What keeps the guardian small: without compilers it takes 3 to 7 MiB less. */
const NODE_OPTIONS =
  Number.parseInt(process.versions.node, 10) <= NEWEST_KNOWN_NODE
    ? [
        '--v8-pool-size=0',
        '--max-semi-space-size=1',
        '--max-old-space-size=64',
        '--no-opt',
        '--no-maglev',
      ]
    : [];

/** Which CAs are trusted is said by the same options as in the application. */
const CA_OPTIONS = /^--use-(?:openssl|bundled|system)-ca$/;

/**
 * A guardian process of the application's own. It leads a group of its own:
 * Ctrl-C does not reach it. It keeps nothing of the application alive, and
 * inherits neither debugger flags nor the application's environment.
 */
export class ChildGuardian implements GuardianLink {
  readonly stream: Duplex;
  onEnd: (end: LinkEnd) => void = () => undefined;
  readonly #child: ChildProcess | undefined;
  #stderr = '';

  constructor() {
    let child: ChildProcess;
    try {
      child = start();
    } catch (error) {
      // Not all failures to start are reported by an event.
      this.stream = new PassThrough();
      process.nextTick(() => this.#notStarted(error as Error));
      return;
    }
    this.#child = child;
    // There is no stream to a process that could not even be tried.
    const streams = child.stdio as ChildProcess['stdio'] | undefined;
    this.stream = (streams?.[3] as Duplex | undefined) ?? new PassThrough();
    this.stream.on('error', () => undefined);
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
    child.unref();
    for (const stream of [child.stderr, this.stream]) {
      (stream as Duplex & { unref?(): void })?.unref?.();
    }
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  destroy(): void {
    this.stream.destroy();
    this.#child?.stderr?.destroy();
    this.#child?.kill('SIGKILL');
  }

  isRunning(): boolean {
    try {
      // A dead child whose exit has not been collected is a zombie, "Z".
      const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
    } catch {
      return false;
    }
  }

  #notStarted(error: Error): void {
    this.stream.destroy();
    this.onEnd({
      description: `could not be started: ${error.message}`,
      hopeless: error.message,
    });
  }
}

function start(): ChildProcess {
  const { guardianPath } = guardianModule;
  if (!existsSync(guardianPath)) {
    throw new Error(
      `its file ${guardianPath} does not exist. Install ` +
        'nestjs-zookeeper-leader again or, if your application is bundled, ' +
        'keep the package out of the bundle ("externals")',
    );
  }
  const options = [
    ...process.execArgv,
    ...(process.env.NODE_OPTIONS ?? '').split(/\s+/),
  ].filter((option) => CA_OPTIONS.test(option));
  return spawn(
    process.execPath,
    [
      ...NODE_OPTIONS,
      ...new Set(options),
      ...plugAndPlayOptions(guardianPath),
      guardianPath,
    ],
    {
      detached: true,
      env: Object.fromEntries(
        PASSED_ENVIRONMENT.flatMap((name) => {
          const value = process.env[name];
          return value === undefined ? [] : [[name, value]];
        }),
      ),
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    },
  );
}
