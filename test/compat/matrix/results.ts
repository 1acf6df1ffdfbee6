import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Combination } from './combinations.js';

const PAGE = fileURLToPath(
  new URL('../../../docs/compatibility.md', import.meta.url),
);
const BEGIN = '<!-- made by npm run test:compat -->';
const END = '<!-- end -->';
const HEAD = [
  'Node.js',
  'Nest',
  'Package manager',
  'Modules',
  '`moduleResolution`',
  'Result',
];

/** What came of a combination. */
export interface Result {
  readonly combination: Combination;
  readonly outcome: string;
}

/**
 * Puts results into the table of docs/compatibility.md. Rows that were not run
 * this time keep what they say.
 */
export async function writeResults(
  combinations: readonly Combination[],
  results: readonly Result[],
): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  const former = outcomesIn(page);
  const present = new Map(
    results.map(({ combination, outcome }) => [keyOf(combination), outcome]),
  );
  const rows = combinations.map((combination) => {
    const key = keyOf(combination);
    return [
      ...cellsOf(combination),
      present.get(key) ?? former.get(key) ?? 'not run',
    ];
  });
  // In columns, as prettier wants it.
  const widths = HEAD.map((_, column) =>
    Math.max(...[HEAD, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  const table = [HEAD, widths.map((width) => '-'.repeat(width)), ...rows]
    .map((cells) => cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)))
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
  const begin = page.indexOf(BEGIN) + BEGIN.length;
  const end = page.indexOf(END);
  await writeFile(
    PAGE,
    `${page.slice(0, begin)}\n\n${table}\n\n${page.slice(end)}`,
  );
}

function outcomesIn(page: string): Map<string, string> {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return new Map(
    rows.map((cells) => [cells.slice(0, 5).join(' '), cells[5] ?? '']),
  );
}

function keyOf(combination: Combination): string {
  return cellsOf(combination).join(' ');
}

function cellsOf(combination: Combination): string[] {
  const { node, nest, manager, format, resolution } = combination;
  return [node, nest, manager, format, resolution];
}
