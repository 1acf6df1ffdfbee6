import {
  context,
  SpanStatusCode,
  trace,
  type Attributes,
  type Link,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { messageOf } from '../message-of.js';
import type { LeaderTaskEvent } from '../tasks/task-events.js';

type StartedEvent = Extract<LeaderTaskEvent, { type: 'started' }>;
type FailedEvent = Extract<LeaderTaskEvent, { type: 'failed' }>;

/** Runs whose spans can still be linked to. */
const MOST_REMEMBERED = 500;

/** A span for every try of a run, in which its method is called. */
export class TaskSpans {
  readonly #tracer: Tracer;
  /** The term in which a task of an election runs. */
  readonly #termOf: (election: string) => SpanContext | undefined;
  /** Those that go on, by the id of the run. */
  readonly #live = new Map<string, Span>();
  /** Of runs that have begun here, by their ids. */
  readonly #begun = new Map<string, SpanContext>();
  /** Runs that were found interrupted, by task and tick. */
  readonly #interrupted = new Map<string, string>();

  constructor(
    tracer: Tracer,
    termOf: (election: string) => SpanContext | undefined,
  ) {
    this.#tracer = tracer;
    this.#termOf = termOf;
  }

  /** Calls a run's method in the context of its span. */
  activate(runId: string, call: () => unknown): unknown {
    const span = this.#live.get(runId);
    return span
      ? context.with(trace.setSpan(context.active(), span), call)
      : call();
  }

  note(event: LeaderTaskEvent): void {
    switch (event.type) {
      case 'started':
        this.#start(event);
        break;
      case 'finished':
        this.#end(event.runId, 'finished', event.at);
        break;
      case 'failed':
        this.#fail(event);
        break;
      case 'aborted':
        this.#live.get(event.runId)?.addEvent('leadership ended', {
          'leader_election.reason': event.reason,
        });
        break;
      case 'overran':
        this.#live.get(event.runId)?.addEvent('still running after the drain');
        break;
      case 'interrupted':
        remember(this.#interrupted, tickKey(event), event.runId);
        break;
      default:
        break;
    }
  }

  /** The application is closing: what goes on is not known to end. */
  end(): void {
    for (const span of this.#live.values()) {
      span.end();
    }
    this.#live.clear();
  }

  #start(event: StartedEvent): void {
    const { runId, task, election } = event;
    const interruptedId =
      event.trigger === 'interrupted'
        ? this.#interrupted.get(tickKey(event))
        : undefined;
    const links: Link[] = [
      this.#termOf(election),
      // The try before this one, or the run that it takes the place of.
      this.#begun.get(runId),
      interruptedId === undefined ? undefined : this.#begun.get(interruptedId),
    ].flatMap((spanContext) => (spanContext ? [{ context: spanContext }] : []));
    const span = this.#tracer.startSpan(
      `run ${task}`,
      {
        startTime: event.at,
        links,
        attributes: {
          ...attributesOf(event),
          ...(interruptedId !== undefined && {
            'leader_task.interrupted_run_id': interruptedId,
          }),
        },
      },
      context.active(),
    );
    this.#live.set(runId, span);
    remember(this.#begun, runId, span.spanContext());
  }

  #fail({ runId, error, timedOut, at, willRetry }: FailedEvent): void {
    const span = this.#live.get(runId);
    const message = messageOf(error);
    span?.recordException(
      error instanceof Error ? error : { message, name: 'Error' },
      at,
    );
    span?.setStatus({ code: SpanStatusCode.ERROR, message });
    span?.setAttributes({
      'error.type': error instanceof Error ? error.name : '_OTHER',
      'leader_task.will_retry': willRetry,
    });
    this.#end(runId, timedOut ? 'timed-out' : 'failed', at);
  }

  #end(runId: string, outcome: string, at: Date): void {
    const span = this.#live.get(runId);
    this.#live.delete(runId);
    span?.setAttribute('leader_task.outcome', outcome);
    span?.end(at);
  }
}

function attributesOf(event: StartedEvent): Attributes {
  const { tick, requestedBy } = event;
  return {
    'leader_task.name': event.task,
    'leader_task.run_id': event.runId,
    'leader_task.attempt': event.attempt,
    'leader_task.trigger': event.trigger,
    'leader_task.fencing_token': event.fencingToken,
    'leader_election.name': event.election,
    'leader_election.instance_id': event.instanceId,
    ...(tick && { 'leader_task.tick': tick.toISOString() }),
    ...(requestedBy !== undefined && {
      'leader_task.requested_by': requestedBy,
    }),
  };
}

function tickKey({
  task,
  tick,
}: {
  readonly task: string;
  readonly tick?: Date;
}): string {
  return `${task} ${tick?.getTime() ?? ''}`;
}

/** Forgets the oldest of too many. */
function remember<Value>(
  map: Map<string, Value>,
  key: string,
  value: Value,
): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MOST_REMEMBERED && oldest !== undefined) {
    map.delete(oldest);
  }
}
