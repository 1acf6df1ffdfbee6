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

/** What each type of event is published on, for whoever observes the process. */
export const TASK_CHANNELS: Readonly<Record<EventType, Channel>> = {
  started: channel('nestjs-zookeeper-leader:task:started'),
  finished: channel('nestjs-zookeeper-leader:task:finished'),
  failed: channel('nestjs-zookeeper-leader:task:failed'),
  skipped: channel('nestjs-zookeeper-leader:task:skipped'),
  missed: channel('nestjs-zookeeper-leader:task:missed'),
  interrupted: channel('nestjs-zookeeper-leader:task:interrupted'),
  aborted: channel('nestjs-zookeeper-leader:task:aborted'),
  overran: channel('nestjs-zookeeper-leader:task:overran'),
};

/** Tells whoever listens what happens to the tasks of an application. */
export class TaskEvents {
  readonly #events = new Subject<LeaderTaskEvent>();
  readonly events$: Observable<LeaderTaskEvent> = this.#events.asObservable();

  /** Whether anybody listens: if not, no event need be made for the channel. */
  isObserved(taskChannel: Channel): boolean {
    return this.#events.observed || taskChannel.hasSubscribers;
  }

  emit(event: LeaderTaskEvent): void {
    this.#events.next(event);
    const taskChannel = TASK_CHANNELS[event.type];
    if (taskChannel.hasSubscribers) {
      taskChannel.publish(event);
    }
  }

  complete(): void {
    this.#events.complete();
  }
}
