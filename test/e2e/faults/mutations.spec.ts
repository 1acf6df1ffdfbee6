import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MUTATIONS, type Mutation } from '../../faults/mutations.js';
import { buildUnbundled } from '../../faults/preparation.js';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mutations-'));
  await buildUnbundled(directory);
});
afterAll(() => rm(directory, { recursive: true }));

describe('every way to break the library', () => {
  it.each(Object.entries<Mutation>(MUTATIONS))(
    '"%s" has exactly one place in the build to change',
    (_name, { changes }) => {
      for (const { file, original } of changes) {
        const text = readFileSync(join(directory, 'dist', file), 'utf8');
        expect({ file, places: text.split(original).length - 1 }).toEqual({
          file,
          places: 1,
        });
      }
    },
  );
});
