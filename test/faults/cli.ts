import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { ALL_KINDS, type FaultKind } from './faults/index.js';
import { MUTATIONS, type MutationName } from './mutations.js';
import { buildFormer } from './former.js';
import { printResult } from './print.js';
import { Random } from './random.js';
import { markdownReport } from './report.js';
import type { RunResult } from './result.js';
import { parseSeeds, runSeveral } from './several.js';
import { runOnce } from './single.js';
import {
  FIRST_KNOWN,
  LONG_KNOWN,
  SECURITIES,
  type Security,
} from './security.js';
import { GUARDIAN_FORMS, IS_NATIVE, type GuardianForm } from './settings.js';

const USAGE = `npm run test:faults -- [options]

  --seed <text>         what the schedule is drawn from (default: the time)
  --seeds <a,b,1..10>   several runs, each in a process of its own
  --parallel <number>   how many of them at a time (default 1)
  --minutes <number>    how long faults are injected (default 2)
  --faults <a,b,...>    their kinds (default: all)
  --combined <share>    how often two come together (default 0.25)
  --instances <number>  of the application (default 4)
  --session-timeout-ms <number>  (default 2000)
  --security <name>     ${SECURITIES.join(' or ')} (default: by the seed)
  --guardian <name>     ${GUARDIAN_FORMS.join(', ')} (default: by the seed, for each
                        instance; child with --mutation)
  --former <commit>     half of the instances run the library of that commit, built
                        from the history
  --survivor            the first instance and its guardian are never ended: memory
                        over time
  --mutation <name>     break the library first, with faults that bring it
                        to light:
                        ${Object.keys(MUTATIONS).join(',\n                        ')}
  --hasty               stop at the first violation
  --logs <file>         append everything that was said, with monotonic times; of
                        several runs each has its own, ending in its seed
  --results <file>      append each result, as a line of JSON
  --report <file>       write a summary, in Markdown
  --from <file>         no run: summarize what --results has collected

With FAULTS_CLIENT=native in the environment, applications use nativeZookeeper(),
with plain connections and without a guardian.

Kinds: ${ALL_KINDS.join(', ')}`;

const STRING = { type: 'string' } as const;
const FLAG = { type: 'boolean', default: false } as const;
const OPTIONS = {
  seed: STRING,
  seeds: STRING,
  parallel: { ...STRING, default: '1' },
  minutes: { ...STRING, default: '2' },
  faults: STRING,
  combined: { ...STRING, default: '0.25' },
  instances: { ...STRING, default: '4' },
  'session-timeout-ms': { ...STRING, default: '2000' },
  security: STRING,
  guardian: STRING,
  former: STRING,
  survivor: FLAG,
  mutation: STRING,
  hasty: FLAG,
  logs: STRING,
  results: STRING,
  report: STRING,
  from: STRING,
  help: FLAG,
} as const;

/** Runs what the arguments ask for, from a build. Returns the exit code. */
export async function runCommand(
  args: string[],
  directory: string,
): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const mutation =
    values.mutation === undefined
      ? undefined
      : MUTATIONS[values.mutation as MutationName];
  const kinds =
    values.faults?.split(',').map((kind) => kind.trim() as FaultKind) ??
    mutation?.kinds ??
    ALL_KINDS;
  const securities = SECURITIES.filter(
    (each) =>
      each === (values.security ?? (IS_NATIVE ? 'none' : each)) &&
      (values.former === undefined || LONG_KNOWN.includes(each)) &&
      // Their seed was chosen before there were others.
      (mutation === undefined ||
        values.security !== undefined ||
        FIRST_KNOWN.includes(each)),
  );
  const guardian =
    values.guardian ?? (mutation || IS_NATIVE ? 'child' : undefined);
  const unknown = [
    ...(guardian === undefined ||
    GUARDIAN_FORMS.includes(guardian as GuardianForm)
      ? []
      : [guardian]),
    ...(securities.length > 0 ? [] : [values.security]),
    ...kinds.filter((kind) => !ALL_KINDS.includes(kind)),
    ...(mutation ? [] : [values.mutation ?? []].flat()),
  ];
  const [minutes = 0, instances = 0, sessionTimeoutMs = 0, parallel = 0] = [
    values.minutes,
    values.instances,
    values['session-timeout-ms'],
    values.parallel,
  ].map(Number);
  if (
    unknown.length > 0 ||
    ![minutes, instances, sessionTimeoutMs, parallel].every((each) => each > 0)
  ) {
    console.error(`Not understood: ${unknown.join(', ')}\n\n${USAGE}`);
    return 2;
  }

  const formerLibrary = await former(values.former);
  const securityOf = (seed: string): Security =>
    new Random(seed, 'security').pick(securities);
  const run = {
    formerLibrary,
    minutes,
    kinds,
    combinedShare: Number(values.combined),
    instances,
    sessionTimeoutMs,
    guardian: guardian as GuardianForm | undefined,
    hasSurvivor: values.survivor,
    isHasty: values.hasty,
    isPlain: mutation !== undefined,
    directory,
    mutation,
  };
  const { seeds, logs, from } = values;
  let results: (RunResult | undefined)[];
  if (from !== undefined) {
    results = await readResults(from);
  } else if (seeds !== undefined) {
    const runs = parseSeeds(seeds).map((seed) => ({
      ...run,
      seed,
      security: securityOf(seed),
      logs: logs && `${logs}-${seed}`,
    }));
    results = await runSeveral(runs, parallel);
  } else {
    const seed = values.seed ?? new Date().toISOString();
    const security = securityOf(seed);
    results = [await runOnce({ ...run, seed, security, logs })];
    results.forEach((result) => result && printResult(result));
  }
  const complete = results.flatMap((result) => result ?? []);
  if (values.results !== undefined) {
    await mkdir(dirname(values.results), { recursive: true });
    await appendFile(
      values.results,
      complete.map((result) => `${JSON.stringify(result)}\n`).join(''),
    );
  }
  if (values.report !== undefined) {
    await mkdir(dirname(values.report), { recursive: true });
    await writeFile(values.report, await markdownReport(complete));
  }
  return results.every((result) => result?.violations.length === 0) ? 0 : 1;
}

async function former(commit: string | undefined): Promise<string | undefined> {
  const library = commit === undefined ? undefined : await buildFormer(commit);
  if (commit !== undefined && library === undefined) {
    console.log(
      `SKIPPED: the instances of ${commit}, which is not in the history.`,
    );
  }
  return library;
}

async function readResults(file: string): Promise<RunResult[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RunResult);
}
