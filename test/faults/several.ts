import { fork } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RunResult } from './result.js';
import type { SingleRunOptions } from './single.js';

const SEED_COLUMN = 10;

/** `a,b,1..3`: a, b, 1, 2 and 3. */
export function parseSeeds(text: string): string[] {
  return text.split(',').flatMap((part) => {
    const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(part.trim()) ?? [];
    return from === undefined || to === undefined
      ? [part.trim()]
      : Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) =>
          String(Number(from) + index),
        );
  });
}

/**
 * Each run in a process of its own, that many at a time. The results come in the
 * order of the runs; undefined where one has left none.
 */
export async function runSeveral(
  runs: readonly SingleRunOptions[],
  parallel: number,
): Promise<(RunResult | undefined)[]> {
  const results: (RunResult | undefined)[] = [];
  const waiting = [...runs.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, run] = next;
      results[index] = await runInProcess(run);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return results;
}

async function runInProcess(
  options: SingleRunOptions,
): Promise<RunResult | undefined> {
  const { seed, directory } = options;
  const child = fork(join(directory, 'test/faults/seed.main.js'), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) =>
      console.log(`${seed.padEnd(SEED_COLUMN)} ${line}`),
    );
  }
  let result: RunResult | undefined;
  child.once('message', (message) => {
    result = message as RunResult;
  });
  child.send(options);
  await new Promise((resolve) => child.once('close', resolve));
  if (!result) {
    console.error(`${seed}: the run has left no result`);
  }
  return result;
}
