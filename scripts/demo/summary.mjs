// @ts-check
import { StepFailedError } from '../support/steps.mjs';

/**
 * Prints what happened.
 *
 * @param {import('./story.mjs').Story} story
 * @param {import('./arguments.mjs').DemoSettings} settings
 * @throws {StepFailedError} if it was not what should have happened
 */
export function printSummary(story, settings) {
  console.log();
  printTable(
    ['instance', 'term', 'fencing token', 'ticks run', 'hand-over ms'],
    story.chapters.map((chapter) => [
      String(chapter.instance),
      String(chapter.term),
      String(chapter.fencingToken),
      String(chapter.runsNs.length),
      chapter.handOverMs?.toFixed(1) ?? '-',
    ]),
  );
  const problems = story.verdict(settings);
  if (problems.length > 0) {
    throw new StepFailedError(
      `The story did not go as it should:\n- ${problems.join('\n- ')}`,
    );
  }
  const { instances } = settings;
  console.log(
    instances === 1
      ? '\nOne instance led, until it tipped over.'
      : `\n${instances} instances led one after the other, never two at once.`,
  );
}

/**
 * @param {string[]} header
 * @param {string[][]} rows
 */
function printTable(header, rows) {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of [header, ...rows]) {
    console.log(
      row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '),
    );
  }
}
