import {
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import type { Subscription } from 'rxjs';
import type { ManagedElection } from '../election/managed-election.js';

/** A span for every term that this instance leads. */
export class TermSpans {
  readonly #tracer: Tracer;
  /** By election. */
  readonly #live = new Map<string, Span>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  contextOf(election: string): SpanContext | undefined {
    return this.#live.get(election)?.spanContext();
  }

  follow({ name, instanceId, leadership$ }: ManagedElection): Subscription {
    return leadership$.subscribe((leadership) => {
      if (leadership.role === 'leader') {
        const { fencingToken, since } = leadership.term;
        this.#end(name, 'elected');
        const span = this.#tracer.startSpan(
          `lead ${name}`,
          {
            root: true,
            startTime: since,
            attributes: {
              'leader_election.name': name,
              'leader_election.instance_id': instanceId,
              'leader_election.fencing_token': fencingToken,
            },
          },
          ROOT_CONTEXT,
        );
        this.#live.set(name, span);
      } else {
        this.#end(name, leadership.reason);
      }
    });
  }

  /** The application is closing. */
  end(): void {
    for (const name of this.#live.keys()) {
      this.#end(name, 'shutdown');
    }
  }

  #end(election: string, reason: string): void {
    const span = this.#live.get(election);
    this.#live.delete(election);
    span?.setAttribute('leader_election.reason', reason);
    span?.end();
  }
}
