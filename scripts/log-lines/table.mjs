// @ts-check
import { readFileSync } from 'node:fs';
import { inProject } from '../support/project.mjs';
import { collectLogLines } from './collect.mjs';

/** @typedef {{ means: string, do: string }} Explanation */

export const DOCUMENT = inProject('docs/operations.md');
const EXPLANATIONS = inProject('docs/operations/log-lines.json');
const BEGIN = '<!-- log lines: made by npm run docs:log -->';
const END = '<!-- end of the log lines -->';

/**
 * The table of all lines that the library can log, and what is wrong with the
 * explanations in docs/operations/log-lines.json.
 */
export function logTable() {
  /** @type {Record<string, Explanation>} */
  const explanations = JSON.parse(readFileSync(EXPLANATIONS, 'utf8'));
  const lines = collectLogLines();
  const texts = new Set(lines.map(({ text }) => text));
  const rows = lines.map(({ level, text }) => {
    const { means = '', do: what = '' } = explanations[text] ?? {};
    return `| ${[level, code(text), cell(means), cell(what)].join(' | ')} |`;
  });
  return {
    table: [
      '| level | text | what it means | what to do |',
      '| --- | --- | --- | --- |',
      ...rows,
    ].join('\n'),
    unexplained: [...texts].filter((text) => !explanations[text]),
    stale: Object.keys(explanations).filter((text) => !texts.has(text)),
  };
}

/**
 * The document with the table in its place.
 *
 * @param {string} document
 * @param {string} table
 */
export function withTable(document, table) {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new Error(`${DOCUMENT} has no place for the table of log lines`);
  }
  return `${document.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${document.slice(end)}`;
}

/** @param {string} text */
function code(text) {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

/** @param {string} text */
function cell(text) {
  return text.replaceAll('|', '\\|');
}
