// @ts-check
import { StepFailedError } from '../support/steps.mjs';

/**
 * Prints what happened.
 *
 * @param {import('./story.mjs').Story} story
 * @param {import('./arguments.mjs').DemoSettings} settings
 * @throws {StepFailedError} if it was not what should have happened
 */
export function printSummary({ chapters, problems }, settings) {
  const header = [
    'instance',
    'term',
    'fencing token',
    'ticks run',
    'hand-over ms',
  ];
  const rows = chapters.map((chapter) => [
    String(chapter.instance),
    String(chapter.term),
    String(chapter.fencingToken),
    String(chapter.ticks),
    chapter.handOverMs?.toFixed(1) ?? '-',
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  console.log();
  for (const row of [header, ...rows]) {
    console.log(
      row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  '),
    );
  }
  if (problems.length > 0) {
    throw new StepFailedError(
      `The story did not go as it should:\n- ${problems.join('\n- ')}`,
    );
  }
  console.log(
    `\n${settings.instances} instances led one after the other, never two at once.`,
  );
}
