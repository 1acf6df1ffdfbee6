import { createWriteStream, mkdirSync } from 'node:fs';
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { monotonicMs } from './clock.js';
import { ALL_KINDS, type FaultKind } from './faults/index.js';
import { MUTATIONS, type Mutation, type MutationName } from './mutations.js';
import { buildSlowDisk, findFaketime, mutate } from './preparation.js';
import { printResult } from './print.js';
import { FaultRun } from './run.js';

const USAGE = `npm run test:faults -- [options]

  --seed <text>         what the schedule is drawn from (default: the time)
  --minutes <number>    how long faults are injected (default 2)
  --faults <a,b,...>    their kinds (default: all)
  --combined <share>    how often two come together (default 0.25)
  --instances <number>  of the application (default 4)
  --session-timeout-ms <number>  (default 2000)
  --survivor            the first instance is never ended: memory over time
  --mutation <name>     break the library first, with faults and a seed that
                        bring it to light: ${Object.keys(MUTATIONS).join(', ')}
  --hasty               stop at the first violation
  --logs <file>         append everything that was said, with monotonic times
  --report <file>       append the result, as a line of JSON

Kinds: ${ALL_KINDS.join(', ')}`;

/** Runs what the arguments ask for, from a build. Returns the exit code. */
export async function runCommand(
  args: string[],
  directory: string,
): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '2' },
      faults: { type: 'string' },
      combined: { type: 'string', default: '0.25' },
      instances: { type: 'string', default: '4' },
      'session-timeout-ms': { type: 'string', default: '2000' },
      survivor: { type: 'boolean', default: false },
      mutation: { type: 'string' },
      hasty: { type: 'boolean', default: false },
      logs: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const mutation: Mutation | undefined =
    MUTATIONS[values.mutation as MutationName];
  const {
    seed = mutation?.seed ?? new Date().toISOString(),
    faults = (mutation?.kinds ?? ALL_KINDS).join(','),
  } = values;
  const wanted = faults.split(',').map((kind) => kind.trim());
  const unknown = [
    ...wanted.filter((kind) => !ALL_KINDS.includes(kind as FaultKind)),
    ...(mutation ? [] : [values.mutation ?? []].flat()),
  ];
  const numbers = [
    values.minutes,
    values.instances,
    values['session-timeout-ms'],
  ].map(Number);
  if (unknown.length > 0 || numbers.some((each) => !(each > 0))) {
    console.error(`Not understood: ${unknown.join(', ')}\n\n${USAGE}`);
    return 2;
  }
  const [minutes = 0, instances = 0, sessionTimeoutMs = 0] = numbers;
  if (mutation) {
    await mutate(directory, mutation);
  }
  const [kinds, tools] = await possible(wanted as FaultKind[], directory);
  console.log(
    `Seed ${seed}: ${minutes} minutes, ${instances} instances, session timeout ${sessionTimeoutMs} ms.\nFaults: ${kinds.join(', ')}`,
  );
  const logs = values.logs === undefined ? undefined : recorder(values.logs);
  const result = await FaultRun.execute({
    seed,
    minutes,
    kinds,
    combinedShare: Number(values.combined),
    instances,
    sessionTimeoutMs,
    hasSurvivor: values.survivor,
    library: pathToFileURL(join(directory, 'dist/esm/index.js')).href,
    application: join(directory, 'test/faults/application.main.js'),
    directory,
    ...tools,
    isHasty: values.hasty,
    log: (line) => {
      console.log(line);
      logs?.(line);
    },
    record: (line) => logs?.(line),
  });
  printResult(result);
  if (values.report !== undefined) {
    await mkdir(dirname(values.report), { recursive: true });
    await appendFile(values.report, `${JSON.stringify(result)}\n`);
  }
  return result.violations.length > 0 ? 1 : 0;
}

function recorder(file: string): (line: string) => void {
  mkdirSync(dirname(file), { recursive: true });
  const stream = createWriteStream(file, { flags: 'a' });
  return (line) => stream.write(`${monotonicMs().toFixed(3)} ${line}\n`);
}

/** Leaves out, audibly, what this machine has not got the means for. */
async function possible(
  wanted: readonly FaultKind[],
  directory: string,
): Promise<
  [FaultKind[], { slowDisk: string | undefined; faketime: string | undefined }]
> {
  const slowDisk = wanted.includes('disk')
    ? buildSlowDisk(directory)
    : undefined;
  const faketime = wanted.includes('clock') ? await findFaketime() : undefined;
  const kinds = wanted.filter((kind) => {
    const missing =
      kind === 'disk' && slowDisk === undefined
        ? 'gcc, to build a slow disk with'
        : kind === 'clock' && faketime === undefined
          ? 'libfaketime, to set clocks with'
          : undefined;
    if (missing !== undefined) {
      console.log(`SKIPPED: "${kind}", for want of ${missing}.`);
    }
    return missing === undefined;
  });
  return [kinds, { slowDisk, faketime }];
}
