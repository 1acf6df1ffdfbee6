import { createWriteStream, mkdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findZookeeper } from '../../scripts/zookeeper/installation.mjs';
import { monotonicMs } from './clock.js';
import type { FaultKind } from './faults/index.js';
import type { Mutation } from './mutations.js';
import { buildSlowDisk, findFaketime, mutate } from './preparation.js';
import type { RunResult } from './result.js';
import { FaultRun } from './run.js';
import { IS_NATIVE, type RunSettings } from './settings.js';

export interface SingleRunOptions extends Pick<
  RunSettings,
  | 'seed'
  | 'minutes'
  | 'kinds'
  | 'combinedShare'
  | 'instances'
  | 'sessionTimeoutMs'
  | 'security'
  | 'guardian'
  | 'formerLibrary'
  | 'hasSurvivor'
  | 'isHasty'
  | 'isPlain'
> {
  /** With the build. */
  readonly directory: string;
  /** Done to the build first. */
  readonly mutation: Mutation | undefined;
  /** Takes everything that is said. */
  readonly logs: string | undefined;
}

/** One run in this process. */
export async function runOnce({
  directory,
  mutation,
  logs,
  ...options
}: SingleRunOptions): Promise<RunResult> {
  const { seed, minutes, instances, sessionTimeoutMs, security } = options;
  if (mutation) {
    await mutate(directory, mutation);
  }
  const own = await mkdtemp(join(directory, 'run-'));
  const [kinds, tools] = await possible(options, own, directory);
  console.log(
    `Seed ${seed}: ${minutes} minutes, ${instances} instances, session timeout ${sessionTimeoutMs} ms, security: ${security}.\nServers: ${findZookeeper()?.description}.\nFaults: ${kinds.join(', ')}`,
  );
  const record = logs === undefined ? undefined : recorder(logs);
  return FaultRun.execute({
    ...options,
    kinds,
    library: pathToFileURL(join(directory, 'dist/esm/index.js')).href,
    application: join(directory, 'test/faults/application.main.js'),
    directory: own,
    ...tools,
    log: (line) => {
      console.log(line);
      record?.(line);
    },
    record: (line) => record?.(line),
  });
}

function recorder(file: string): (line: string) => void {
  mkdirSync(dirname(file), { recursive: true });
  const stream = createWriteStream(file, { flags: 'a' });
  return (line) => stream.write(`${monotonicMs().toFixed(3)} ${line}\n`);
}

type Tools = Pick<RunSettings, 'slowDisk' | 'faketime' | 'names'>;

/** Leaves out, audibly, what this machine has not got the means for. */
async function possible(
  {
    kinds: wanted,
    formerLibrary,
  }: Pick<SingleRunOptions, 'kinds' | 'formerLibrary'>,
  own: string,
  directory: string,
): Promise<[FaultKind[], Tools]> {
  const tools: Tools = {
    slowDisk: wanted.includes('disk') ? buildSlowDisk(own) : undefined,
    faketime: wanted.includes('clock') ? await findFaketime() : undefined,
    names: wanted.includes('address') ? findNames(directory) : undefined,
  };
  const missing = {
    disk: [tools.slowDisk, 'gcc, to build a slow disk with'],
    clock: [tools.faketime, 'libfaketime, to set clocks with'],
    // An earlier version looks names up once, and a keeper in a process of its own.
    address:
      formerLibrary || IS_NATIVE
        ? [undefined, 'a client that can be given other addresses']
        : [tools.names, 'further addresses of this machine'],
  } as const;
  const kinds = wanted.filter((kind) => {
    const [tool, what] = missing[kind as keyof typeof missing] ?? [true];
    if (tool === undefined) {
      console.log(`SKIPPED: "${kind}", for want of ${what}.`);
    }
    return tool !== undefined;
  });
  return [kinds, tools];
}

/** Linux alone has all of 127.0.0.0/8. */
function findNames(directory: string): string | undefined {
  const module = 'test/faults/application/names.preload.js';
  return process.platform === 'linux'
    ? pathToFileURL(join(directory, module)).href
    : undefined;
}
