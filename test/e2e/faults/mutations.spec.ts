import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { inProject } from '../../../scripts/support/project.mjs';
import { MUTATIONS, type Mutation } from '../../faults/mutations.js';

describe('every way to break the library', () => {
  it.each(Object.entries<Mutation>(MUTATIONS))(
    '"%s" has exactly one place in the build to change',
    (_name, { changes }) => {
      for (const { file, original } of changes) {
        const text = readFileSync(join(inProject('dist'), file), 'utf8');
        expect({ file, places: text.split(original).length - 1 }).toEqual({
          file,
          places: 1,
        });
      }
    },
  );
});
