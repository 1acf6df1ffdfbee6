// @ts-check
import { DemoInstance } from './instance.mjs';
import { MergedLog } from './merged-log.mjs';
import { Story } from './story.mjs';
import { Timeline } from './timeline.mjs';

/** @typedef {import('./story.mjs').StoryEvent} StoryEvent */

/** More than a session lives: if nothing happens for so long, nothing will. */
const PATIENCE_MS = 20_000;

/**
 * Runs the instances until the last one has tipped over.
 *
 * @param {string} main the sample's main file
 * @param {string} connectionString
 * @param {import('./arguments.mjs').DemoSettings} settings
 * @param {AbortSignal} interrupted
 * @returns {Promise<Story>}
 */
export async function playStory(main, connectionString, settings, interrupted) {
  const log = new MergedLog();
  const story = new Story();
  /** @type {Timeline<StoryEvent>} */
  const timeline = new Timeline((event) => {
    story.add(event);
    print(log, event, story);
  });
  const env = {
    ZOOKEEPER_CONNECTION_STRING: connectionString,
    TIP_OVER_AFTER: String(settings.ticks),
    ...(settings.graceful && { TIP_OVER_GENTLY: '1' }),
    STORY: 'json',
    NO_COLOR: '1',
  };
  const instances = Array.from(
    { length: settings.instances },
    (_, index) =>
      new DemoInstance(index + 1, main, env, (line) => onLine(index, line)),
  );
  const closeAll = () => Promise.all(instances.map((each) => each.close()));
  const killAll = () => instances.forEach((each) => each.kill());
  const patience = setTimeout(() => {
    const leader = story.chapters.at(-1);
    const subject = !leader
      ? 'nobody led'
      : leader.endNs === undefined
        ? `instance ${leader.instance} did nothing`
        : `nobody took over from instance ${leader.instance}`;
    story.problems.push(`${subject} for ${PATIENCE_MS / 1000} s`);
    killAll();
  }, PATIENCE_MS);
  interrupted.addEventListener('abort', killAll);
  if (interrupted.aborted) {
    killAll();
  }

  /**
   * @param {number} index
   * @param {string} line
   */
  function onLine(index, line) {
    const event = parseEvent(index + 1, line);
    if (event) {
      patience.refresh();
      instances[index]?.noteGuardian();
      timeline.add(event);
    } else if (isNews(line)) {
      log.say(index + 1, line.replace(/^\[Nest\].*? (?=WARN|ERROR|FATAL)/, ''));
    }
  }

  try {
    await Promise.all(instances.map((each) => each.ended));
  } finally {
    clearTimeout(patience);
    interrupted.removeEventListener('abort', killAll);
    await closeAll();
  }
  timeline.flush();
  return story;
}

/**
 * @param {MergedLog} log
 * @param {StoryEvent} event
 * @param {Story} story
 */
function print(log, event, story) {
  const { instance, atNs } = event;
  switch (event.type) {
    case 'leading': {
      const { handOverMs } = story.chapters.at(-1) ?? {};
      const handOver =
        handOverMs === undefined
          ? ''
          : `, ${handOverMs.toFixed(1)} ms after the one before ended`;
      log.say(
        instance,
        `LEADS, fencing token ${event.fencingToken}${handOver}`,
        { atNs, isLoud: true },
      );
      break;
    }
    case 'tick':
      log.say(instance, `runs the job (${event.number})`, { atNs });
      break;
    case 'tipping-over':
      log.say(instance, `TIPS OVER by ${event.signal}`, { atNs, isLoud: true });
      break;
    case 'deposed':
      log.say(instance, `no longer leads (${event.reason})`, { atNs });
      break;
  }
}

/**
 * Anything but the log of normal operation.
 *
 * @param {string} line
 */
function isNews(line) {
  const isNestLog = line.startsWith('[Nest]');
  const isBad = / (WARN|ERROR|FATAL) /.test(line);
  return line !== '' && !line.includes('Tipping over') && (!isNestLog || isBad);
}

/**
 * @param {number} instance
 * @param {string} line
 * @returns {StoryEvent | undefined}
 */
function parseEvent(instance, line) {
  if (!line.startsWith('{"type":')) {
    return undefined;
  }
  const event = JSON.parse(line);
  return { ...event, instance, atNs: BigInt(event.atNs) };
}
