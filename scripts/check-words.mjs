// @ts-check
/**
 * `npm run lint:words`: finds phrases that make a sentence hard to read, in the
 * pages, the comments and the messages of the project. Prints the place and what
 * to write instead.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { inProject, projectRoot } from './support/project.mjs';

/** @type {[RegExp, string][]} */
const PHRASES = [
  [/\bthat (is|are) none\b/i, 'say what it is: "a corrupt ledger"'],
  [/\bso that\b/i, 'two sentences, or "so"'],
  [/\bbe it\b/i, '"whether" or "or"'],
  [/(?<!const )\b(told|tells?) of\b/i, '"reported", "logged", "hears about"'],
  [/\b(stand|stands|stood|standing) still\b/i, '"is blocked", "is paused"'],
  [/\bwhoever\b/i, 'name the subject: "the caller", "the new leader"'],
  [/\b(is|are) to be \w+ed\b/i, '"must be", or the imperative'],
  [/\bhas not (got )?(a|an|any)\b/i, '"has no"'],
];

const files = execFileSync(
  'git',
  ['ls-files', '*.md', '*.ts', '*.cts', '*.js', '*.cjs', '*.mjs', '*.yml'],
  { cwd: projectRoot, encoding: 'utf8' },
)
  .split('\n')
  .filter((file) => file !== '' && file !== 'scripts/check-words.mjs');

let found = 0;
for (const file of files) {
  const lines = readFileSync(inProject(file), 'utf8').split('\n');
  for (const [index, line] of lines.entries()) {
    // A phrase may go on in the next line of a paragraph or comment.
    const next = (lines[index + 1] ?? '').replace(/^\s*(\*|\/\/)?\s*/, '');
    const text = `${line} ${next.split(' ', 2).join(' ')}`;
    for (const [phrase, advice] of PHRASES) {
      const match = phrase.exec(text);
      if (match && match.index < line.length) {
        found += 1;
        console.log(`${file}:${index + 1}: "${match[0]}": ${advice}`);
      }
    }
  }
}
if (found > 0) {
  console.log(`\n${found} phrases to rewrite`);
  process.exitCode = 1;
}
