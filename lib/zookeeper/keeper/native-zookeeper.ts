import { EventEmitter } from 'node:events';

/**
 * The part of the npm package `zookeeper` that the keeper uses. Its own types
 * describe another, older surface.
 */
export interface NativeZookeeper extends EventEmitter {
  readonly state: number;
  readonly client_id: string;
  readonly client_password: string;
  readonly timeout: number;
  init(config: NativeConfig): void;
  close(): void;
  /**
   * The binding itself. The methods around it render every argument to text
   * for a debug log before each call, whether anybody logs or not.
   */
  readonly native: NativeBinding;
}

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

/** Every call returns 0, or an error code and then never calls back. */
export interface NativeBinding {
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
  add_auth(
    scheme: string,
    auth: string,
    done: (code: number, error: string) => void,
  ): number;
}

export type NativeZookeeperClass = new (config: object) => NativeZookeeper;

/**
 * Loads the native client.
 *
 * @throws {Error} whose message says what is missing and how to get it
 */
export async function loadNativeZookeeper(): Promise<NativeZookeeperClass> {
  try {
    const loaded = (await import('zookeeper')) as unknown as {
      default: NativeZookeeperClass;
    };
    return loaded.default;
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
      'the npm package "zookeeper" is not installed. It is a dependency of ' +
      'nestjs-zookeeper-leader and is compiled at installation. Install the ' +
      `compiler (${COMPILER_PACKAGES}) and run "npm install" again. (${message})`
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
  return `the npm package "zookeeper" could not be loaded: ${message}`;
}
