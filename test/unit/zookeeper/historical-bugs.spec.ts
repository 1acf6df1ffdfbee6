import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';

const FOLDER = new URL('../../e2e/client/', import.meta.url);

interface Bug {
  readonly number: number;
  /** File and title. */
  readonly tests: readonly (readonly [string, string])[];
}

const bugs: Bug[] = readFileSync(new URL('historical-bugs.md', FOLDER), 'utf8')
  .split('\n')
  .map((line) => /^\| (\d+) .*\|([^|]+)\|$/.exec(line) ?? [])
  .filter(([row]) => row !== undefined)
  .map(([, number, cell = '']) => ({
    number: Number(number),
    tests: [...cell.matchAll(/`([^`]+\.spec\.ts)`: "([^"]+)"/g)].map(
      ([, file = '', title = '']) => [file, title] as const,
    ),
  }));

it('there are 28 bugs in the list, each with a test', () => {
  expect(bugs.map(({ number }) => number)).toEqual(
    Array.from({ length: 28 }, (_, index) => index + 1),
  );
  const untested = bugs.filter(({ tests }) => tests.length === 0);
  expect(untested).toEqual([]);
});

it.each(bugs.flatMap(({ tests }) => tests))(
  '%s has the test "%s"',
  (file, title) => {
    const source = readFileSync(new URL(file, FOLDER), 'utf8');
    expect(source).toContain(`'${title}'`);
  },
);
