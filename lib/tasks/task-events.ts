import { channel, type Channel } from 'node:diagnostics_channel';
import { Subject, type Observable } from 'rxjs';
import type { LeaderTaskEvent } from './leader-task-event.interface.js';

type EventType = LeaderTaskEvent['type'];

/** Without those members that all events of a task have in common. */
export type TaskEventDetails = LeaderTaskEvent extends infer E
  ? E extends LeaderTaskEvent
    ? Omit<E, 'task' | 'election' | 'instanceId' | 'at'>
    : never
  : never;

const CHANNELS = Object.fromEntries(
  (
    [
      'started',
      'finished',
      'failed',
      'skipped',
      'missed',
      'interrupted',
      'aborted',
      'overran',
    ] as const
  ).map((type) => [type, channel(`nestjs-zookeeper-leader:task:${type}`)]),
) as Record<EventType, Channel>;

/** Tells whoever listens what happens to the tasks of an application. */
export class TaskEvents {
  readonly #events = new Subject<LeaderTaskEvent>();
  readonly events$: Observable<LeaderTaskEvent> = this.#events.asObservable();

  /** Whether anybody listens: if not, no event need be made. */
  isObserved(type: EventType): boolean {
    return this.#events.observed || CHANNELS[type].hasSubscribers;
  }

  emit(event: LeaderTaskEvent): void {
    this.#events.next(event);
    if (CHANNELS[event.type].hasSubscribers) {
      CHANNELS[event.type].publish(event);
    }
  }

  complete(): void {
    this.#events.complete();
  }
}
