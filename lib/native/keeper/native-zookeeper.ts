import { createRequire } from 'node:module';
import path from 'node:path';
import keeperModule from './keeper-path.cjs';

export interface NativeConfig {
  connect: string;
  timeout: number;
  debug_level: number;
  host_order_deterministic: boolean;
  response_counter_limit: number;
  client_id?: string;
  client_password?: string;
}

export interface NativeStat {
  readonly czxid: number;
  readonly mzxid: number;
  readonly pzxid: number;
  readonly version: number;
  readonly numChildren: number;
  readonly ephemeralOwner: string;
  readonly ctime: Date;
  readonly mtime: Date;
}

/**
 * One client of the native part of the npm package `zookeeper`. Requests return
 * 0, or an error code and then never call back.
 */
export interface NativeBinding {
  readonly state: number;
  readonly client_id: string;
  readonly client_password: string;
  /** The session timeout that the server granted. */
  readonly timeout: number;
  /** Called with every event: its name, the client, a path or code. */
  emit: (event: string, subject: unknown, detail: unknown) => void;
  init(config: NativeConfig): void;
  close(): void;
  a_create(
    path: string,
    data: string,
    flags: number,
    done: (code: number, error: string, path: string) => void,
  ): number;
  a_get(
    path: string,
    watch: boolean,
    done: (
      code: number,
      error: string,
      stat: NativeStat | null,
      data: Buffer | null,
    ) => void,
  ): number;
  a_get_children2(
    path: string,
    watch: boolean,
    done: (
      code: number,
      error: string,
      children: string[] | null,
      stat: NativeStat | null,
    ) => void,
  ): number;
  a_set(
    path: string,
    data: string,
    version: number,
    done: (code: number, error: string, stat: NativeStat | null) => void,
  ): number;
  a_delete_(
    path: string,
    version: number,
    done: (code: number, error: string) => void,
  ): number;
  a_sync(path: string, done: (code: number, error: string) => void): number;
}

export type NativeBindingClass = new () => NativeBinding;

/**
 * Loads the native client, and only that: the JavaScript around it costs memory
 * and time, and renders every argument to text for a log that nobody reads.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export function loadNativeZookeeper(): NativeBindingClass {
  try {
    const main = createRequire(keeperModule.keeperPath).resolve('zookeeper');
    // Finds what was compiled at installation, or came compiled.
    const load = createRequire(main)('node-gyp-build') as (
      directory: string,
    ) => { ZooKeeper: NativeBindingClass };
    return load(path.dirname(path.dirname(main))).ZooKeeper;
  } catch (error) {
    throw new Error(explainLoadFailure(error), { cause: error });
  }
}

const COMPILER_PACKAGES =
  'Debian/Ubuntu: "apt-get install -y python3 make g++"; ' +
  'Alpine: "apk add python3 make g++"; ' +
  'Fedora/RHEL: "dnf install -y python3 make gcc-c++"';

/** Turns the loader's error into one that says what to do. */
export function explainLoadFailure(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return (
      'the npm package "zookeeper" is not installed, and nativeZookeeper() needs ' +
      'it. It is compiled at installation: install the compiler ' +
      `(${COMPILER_PACKAGES}) and run "npm install zookeeper", or leave the ` +
      `option client out. (${message})`
    );
  }
  if (/No native build was found/.test(message)) {
    return (
      'the native part of the npm package "zookeeper" was not compiled for ' +
      `${process.platform} ${process.arch} with Node ${process.versions.node}. ` +
      `Install the compiler (${COMPILER_PACKAGES}) and run ` +
      '"npm rebuild zookeeper" with install scripts allowed.'
    );
  }
  if (/NODE_MODULE_VERSION|did not self-register/.test(message)) {
    return (
      'the native part of the npm package "zookeeper" was compiled for another ' +
      `version of Node than ${process.versions.node}. ` +
      'Run "npm rebuild zookeeper" with this version.'
    );
  }
  if (code === 'ERR_DLOPEN_FAILED') {
    return (
      'the native part of the npm package "zookeeper" was compiled for another ' +
      'system, as happens when node_modules is copied from one machine or image ' +
      `to another. Run "npm rebuild zookeeper" here. (${message})`
    );
  }
  return `the npm package "zookeeper" could not be loaded: ${message}`;
}
