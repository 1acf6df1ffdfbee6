import { describe, expect, it } from '@jest/globals';
import { channel } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import type { LeaderTaskEvent } from '../../../lib/index.js';
import { TASK_CHANNELS, TaskEvents } from '../../../lib/tasks/task-events.js';

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
  it.each(types)(
    "tells of '%s' by events$ and by a channel of that name, to whom listens",
    (type) => {
      const events = new TaskEvents();
      expect(events.isObserved(TASK_CHANNELS[type])).toBe(false);
      const heard: unknown[] = [];
      const listen = (message: unknown): void => void heard.push(message);
      const own = channel(`nestjs-zookeeper-leader:task:${type}`);
      own.subscribe(listen);
      expect(events.isObserved(TASK_CHANNELS[type])).toBe(true);
      const event = { type } as LeaderTaskEvent;
      events.emit(event);
      own.unsubscribe(listen);
      expect(events.isObserved(TASK_CHANNELS[type])).toBe(false);
      events.events$.subscribe(listen);
      events.emit(event);
      expect(heard).toEqual([event, event]);
    },
  );

  it('has channels that the documentation names', async () => {
    const page = new URL('../../../docs/tasks.md', import.meta.url);
    const text = await readFile(page, 'utf8');
    const named = [...text.matchAll(/`nestjs-zookeeper-leader:task:(\w+)`/g)];
    expect(named.map(([, type]) => type)).toEqual(types);
  });
});
