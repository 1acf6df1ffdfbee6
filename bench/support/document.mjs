// @ts-check
/** Writes figures into docs/performance.md, between markers. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { growthTable, targetTable } from './table.mjs';

const DOCUMENT = fileURLToPath(
  new URL('../../docs/performance.md', import.meta.url),
);

/** The benchmark itself keeps both cores busy now and then. */
const MOST_LOAD = 4;
const BUSY =
  ' **The machine was busy with other work:** every process waited for its turn, ' +
  'and neither times nor ratios mean much.';

/** @param {{ machine: string, lines: import('./table.mjs').Line[] }} results */
export async function writeDocument({ machine, lines }) {
  const isBusy = Math.max(...lines.map(({ load }) => load)) > MOST_LOAD;
  const parts = {
    machine: `Measured on ${machine}.${isBusy ? BUSY : ''}`,
    targets: targetTable(lines),
    growth: growthTable(lines),
  };
  let document = await readFile(DOCUMENT, 'utf8');
  for (const [name, text] of Object.entries(parts)) {
    const begin = `<!-- ${name}: made by npm run bench -- --charts -->`;
    const end = `<!-- end of ${name} -->`;
    const [from, to] = [document.indexOf(begin), document.indexOf(end)];
    if (from < 0 || to < from) {
      throw new Error(`${DOCUMENT} has no place for ${name}`);
    }
    document = `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`;
  }
  await writeFile(
    DOCUMENT,
    await format(document, { parser: 'markdown', singleQuote: true }),
  );
}
