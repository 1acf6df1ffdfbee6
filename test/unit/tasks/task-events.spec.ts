import { describe, expect, it } from '@jest/globals';
import { channel } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import type { LeaderTaskEvent } from '../../../lib/index.js';
import { TaskEvents, TaskReporter } from '../../../lib/tasks/task-events.js';

const CHANNEL = 'nestjs-zookeeper-leader:task';
const types = [
  'started',
  'finished',
  'failed',
  'skipped',
  'missed',
  'interrupted',
  'aborted',
  'overran',
] as const satisfies readonly LeaderTaskEvent['type'][];

describe('TaskEvents', () => {
  it.each(types)("emits '%s' by events$ and by the one channel", (type) => {
    const events = new TaskEvents();
    expect(events.isObserved).toBe(false);
    const heard: unknown[] = [];
    const listen = (message: unknown): void => void heard.push(message);
    const own = channel(CHANNEL);
    own.subscribe(listen);
    expect(events.isObserved).toBe(true);
    const event = { type } as LeaderTaskEvent;
    events.emit(event);
    own.unsubscribe(listen);
    expect(events.isObserved).toBe(false);
    events.events$.subscribe(listen);
    events.emit(event);
    expect(heard).toEqual([event, event]);
  });

  it('makes no event while nobody listens, and counts all the same', () => {
    const reporter = new TaskReporter(new TaskEvents(), {
      task: 'task',
      election: 'default',
      instanceId: 'A',
    });
    let made = 0;
    reporter.emit(() => {
      made += 1;
      return { type: 'skipped', reason: 'closing' };
    });
    reporter.skipped('closing');
    expect(made).toBe(0);
    expect(reporter.counts.skipped).toBe(1);
  });

  it('has a channel and types that the documentation names', async () => {
    const page = new URL('../../../docs/tasks.md', import.meta.url);
    const text = await readFile(page, 'utf8');
    expect(text).toContain(`\`${CHANNEL}\``);
    for (const type of types) {
      expect(text).toMatch(new RegExp(`^\\| \`${type}\``, 'm'));
    }
  });
});
