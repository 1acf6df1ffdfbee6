// @ts-check
/**
 * `npm run docs:log`: writes the table of all lines that the library can log into
 * docs/operations.md, from the code and docs/operations/log-lines.json.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { format } from 'prettier';
import { DOCUMENT, logTable, withTable } from './log-lines/table.mjs';

const { table, unexplained, stale } = logTable();
const document = withTable(await readFile(DOCUMENT, 'utf8'), table);
await writeFile(
  DOCUMENT,
  await format(document, { parser: 'markdown', singleQuote: true }),
);
for (const text of unexplained) {
  console.error(`No explanation in docs/operations/log-lines.json: ${text}`);
}
for (const text of stale) {
  console.log(`Explained, but logged by nothing (any more): ${text}`);
}
process.exitCode = unexplained.length > 0 ? 1 : 0;
