// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Console } from './console.mjs';

/**
 * What one instance did.
 *
 * @typedef {object} Chapter
 * @property {number} instance
 * @property {number} term counted from 1
 * @property {number} fencingToken
 * @property {number} ticks
 * @property {bigint} ledFromNs
 * @property {bigint} [endedAtNs]
 * @property {number} [handOverMs] from the end of the one before
 */

/**
 * @typedef {object} Story
 * @property {Chapter[]} chapters in the order of the terms
 * @property {string[]} problems what should not have happened
 */

/**
 * @typedef {object} StoryEvent
 * @property {string} type
 * @property {string} atNs by the monotonic clock
 * @property {number} [number] of the run
 * @property {number} [fencingToken]
 * @property {string} [signal]
 * @property {string} [reason]
 */

/** Nobody may be without a leader for longer than this. */
const PATIENCE_MS = 60_000;

/**
 * Runs the instances until the last one has tipped over.
 *
 * @param {string} main the sample's main file
 * @param {string} connectionString
 * @param {import('./arguments.mjs').DemoSettings} settings
 * @returns {Promise<Story>}
 */
export async function playStory(main, connectionString, settings) {
  const output = new Console();
  /** @type {Story} */
  const story = { chapters: [], problems: [] };
  const children = Array.from({ length: settings.instances }, () =>
    spawn(process.execPath, [main], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ZOOKEEPER_CONNECTION_STRING: connectionString,
        TIP_OVER_AFTER: String(settings.ticks),
        ...(settings.graceful && { TIP_OVER_GENTLY: '1' }),
        STORY: 'json',
        NO_COLOR: '1',
      },
    }),
  );
  const killAll = () => children.forEach((child) => child.kill('SIGKILL'));
  process.once('exit', killAll);
  let isInterrupted = false;
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      isInterrupted = true;
      killAll();
    });
  }
  let patience = setTimeout(killAll, PATIENCE_MS);
  const impatience = () => {
    clearTimeout(patience);
    patience = setTimeout(() => {
      story.problems.push(`nothing happened for ${PATIENCE_MS / 1000} s`);
      killAll();
    }, PATIENCE_MS);
  };

  await Promise.all(
    children.map(async (child, index) => {
      const instance = index + 1;
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          const event = parseEvent(line);
          if (event) {
            impatience();
            tellEvent(story, output, instance, event);
          } else if (
            /\b(WARN|ERROR)\b/.test(line) &&
            !/Tipping over/.test(line)
          ) {
            output.say(instance, line.replace(/^.*?\] +/, ''));
          }
        });
      }
      await once(child, 'close');
      const chapter = story.chapters.find((one) => one.instance === instance);
      if (chapter && chapter.endedAtNs === undefined && !isInterrupted) {
        story.problems.push(`instance ${instance} ended without tipping over`);
      }
      output.say(instance, 'is gone');
    }),
  );
  clearTimeout(patience);
  process.off('exit', killAll);
  if (isInterrupted) {
    story.problems.push('interrupted');
  }
  checkStory(story, settings);
  return story;
}

/**
 * @param {Story} story
 * @param {Console} output
 * @param {number} instance
 * @param {StoryEvent} event
 */
function tellEvent(story, output, instance, event) {
  const atNs = BigInt(event.atNs);
  const last = story.chapters.at(-1);
  const own = story.chapters.findLast((one) => one.instance === instance);
  switch (event.type) {
    case 'leading': {
      const former = last?.endedAtNs;
      const handOverMs =
        former === undefined ? undefined : Number(atNs - former) / 1e6;
      if (last && (former === undefined || former > atNs)) {
        story.problems.push(
          `instance ${instance} led while instance ${last.instance} did`,
        );
      }
      story.chapters.push({
        instance,
        term: story.chapters.length + 1,
        fencingToken: Number(event.fencingToken),
        ticks: 0,
        ledFromNs: atNs,
        handOverMs,
      });
      output.say(
        instance,
        `LEADS, fencing token ${event.fencingToken}` +
          (handOverMs === undefined
            ? ''
            : `, ${handOverMs.toFixed(1)} ms after the last one`),
      );
      break;
    }
    case 'tick':
      if (own) {
        own.ticks += 1;
      }
      output.say(instance, `runs the job (${event.number})`);
      break;
    case 'tipping-over':
      if (own) {
        own.endedAtNs = atNs;
      }
      output.say(instance, `TIPS OVER by ${event.signal}`);
      break;
    default:
      output.say(instance, `no longer leads (${event.reason})`);
  }
}

/**
 * @param {Story} story
 * @param {import('./arguments.mjs').DemoSettings} settings
 */
function checkStory({ chapters, problems }, settings) {
  const leaders = new Set(chapters.map(({ instance }) => instance));
  if (leaders.size !== settings.instances) {
    problems.push(
      `${leaders.size} of ${settings.instances} instances have led`,
    );
  }
  for (const { instance, ticks } of chapters) {
    if (ticks !== settings.ticks) {
      problems.push(
        `instance ${instance} ran the job ${ticks} times instead of ${settings.ticks}`,
      );
    }
  }
  for (const [index, chapter] of chapters.entries()) {
    const former = chapters[index - 1];
    if (former && chapter.fencingToken <= former.fencingToken) {
      problems.push(`the fencing token of term ${chapter.term} did not grow`);
    }
  }
}

/**
 * @param {string} line
 * @returns {StoryEvent | undefined}
 */
function parseEvent(line) {
  if (!line.startsWith('{"type":')) {
    return undefined;
  }
  return JSON.parse(line);
}
