import { createRequire } from 'node:module';
import path from 'node:path';

/** The requests, and the names that the native client has for them. */
export const NATIVE_CALLS = {
  create: 'a_create',
  get: 'a_get',
  getChildren: 'a_get_children2',
  set: 'a_set',
  delete: 'a_delete_',
  sync: 'a_sync',
} as const;

/**
 * One client of the native part of the npm package `zookeeper`. Requests take a
 * path, arguments and last a callback for a code, a message and the answer. They
 * return 0, or an error code and then never call back.
 */
export interface NativeBinding extends Record<
  (typeof NATIVE_CALLS)[keyof typeof NATIVE_CALLS],
  (path: string, ...more: unknown[]) => number
> {
  readonly state: number;
  readonly client_id: string;
  readonly client_password: string;
  /** The session timeout that the server granted. */
  readonly timeout: number;
  /** Called with every event: its name, the client, a path or code. */
  emit: (event: string, subject: unknown, detail: unknown) => void;
  init(config: Readonly<Record<string, string | number | boolean>>): void;
  close(): void;
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
    // The file of this process: neither build could name it in the same way.
    const main = createRequire(process.argv[1] as string).resolve('zookeeper');
    // Finds what was compiled at installation, or came compiled.
    const load = createRequire(main)('node-gyp-build') as (
      directory: string,
    ) => { ZooKeeper: NativeBindingClass };
    return load(path.dirname(path.dirname(main))).ZooKeeper;
  } catch (error) {
    throw new Error(explainLoadFailure(error as Error & { code?: string }), {
      cause: error,
    });
  }
}

/** Turns the loader's error into one that says what to do. */
function explainLoadFailure(error: Error & { code?: string }): string {
  const isMissing = error.code?.endsWith('MODULE_NOT_FOUND');
  const problem = isMissing
    ? 'the npm package "zookeeper" is not installed, and nativeZookeeper() needs it'
    : 'the native part of the npm package "zookeeper" was not compiled for ' +
      `${process.platform} ${process.arch} with Node ${process.versions.node}, as ` +
      'happens without a compiler, after an update of Node, and when node_modules ' +
      'is copied between machines';
  const command = isMissing
    ? '"npm install zookeeper" with install scripts allowed, or leave the option client out'
    : '"npm rebuild zookeeper" with install scripts allowed';
  return (
    `${problem}. Install the compiler (Debian/Ubuntu: "apt-get install -y python3 ` +
    'make g++"; Alpine: "apk add python3 make g++"; Fedora/RHEL: "dnf install -y ' +
    `python3 make gcc-c++") and run ${command}. (${error.message})`
  );
}
