import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { format } from 'prettier';
import { collectLogLines } from '../../scripts/log-lines/collect.mjs';
import {
  DOCUMENT,
  logTable,
  withTable,
} from '../../scripts/log-lines/table.mjs';

function linesOf(source: string): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'log-lines-'));
  try {
    writeFileSync(join(directory, 'source.ts'), source);
    return collectLogLines(directory).map(
      ({ level, text }) => `${level}: ${text}`,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('the search for lines that are logged', () => {
  it('finds texts, templates, alternatives and texts in parts', () => {
    expect(
      linesOf(`
        class A {
          f(name: string, error: Error) {
            this.#logger.warn('Plain text');
            this.#logger.log(\`Task "\${name}" ended\` + ' well');
            logger.error(isLate ? 'Too late' : 'Too early');
            logger.error(\`Failed: \${messageOf(error)}\`);
            logger[isFar ? 'error' : 'warn']('Far away');
          }
        }`),
    ).toEqual([
      'error: Failed: <error>',
      'error: Far away',
      'warn: Far away',
      'warn: Plain text',
      'log: Task "<name>" ended well',
      'error: Too early',
      'error: Too late',
    ]);
  });

  it('follows what is handed on, as a text, a level or a message of a function', () => {
    expect(
      linesOf(`
        function missingMessage(name: string) { return \`The \${name} is missing\`; }
        class A {
          #notice(level: string, text: string) { this.tell({ level, text }); }
          f(name: string) {
            this.#notice('warn', missingMessage(name));
            const which = name ? 'the first one' : 'all of them';
            this.#notice('error', \`Lost \${which}\`);
          }
        }`),
    ).toEqual([
      'error: Lost all of them',
      'error: Lost the first one',
      'warn: The <name> is missing',
    ]);
  });
});

describe('the table of log lines in docs/operations.md', () => {
  it('explains every line that the library can log', () => {
    expect(logTable().unexplained).toEqual([]);
  });

  it('is what `npm run docs:log` makes', async () => {
    const document = readFileSync(DOCUMENT, 'utf8');
    const made = await format(withTable(document, logTable().table), {
      parser: 'markdown',
      singleQuote: true,
    });
    expect(made).toBe(document);
  });
});
