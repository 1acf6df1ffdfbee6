import { monotonicMs } from './clock.js';
import type { History } from './history.js';
import type { FaultInstance } from './instance.js';
import type { Link } from './link.js';
import { socketOwner } from './socket-owner.js';

export interface SessionRecordsOptions {
  readonly history: History;
  readonly record: (line: string) => void;
}

/** An instance and the guardian of the one before it. */
const MOST_AT_ONCE = 2;

/** Writes down who begins and ends which session, and with whose connection. */
export class SessionRecords {
  readonly #options: SessionRecordsOptions;
  /** The instance to which a session was granted first. */
  readonly #owners = new Map<string, string>();
  /** Over which a session was granted last. */
  readonly #places = new Map<string, Link>();

  constructor(options: SessionRecordsOptions) {
    this.#options = options;
  }

  /**
   * @param instance that is at the near end of the cables at the moment; its
   *   predecessor's guardian may be there as well
   */
  watch(
    links: readonly Link[],
    instance: () => FaultInstance | undefined,
  ): void {
    const seen = new Set<FaultInstance>();
    const { grants, closes } = this.#options.history;
    for (const link of links) {
      link.onGrant = ({ sessionId }) => {
        const present = instance();
        if (present) {
          seen.add(present);
        }
        this.#places.set(sessionId, link);
        if (!this.#owners.has(sessionId)) {
          const id = present?.id ?? '(nobody)';
          this.#owners.set(sessionId, id);
          grants.push({ instance: id, sessionId, atMs: monotonicMs() });
        }
      };
      link.onClose = ({ sessionId, atMs, port }) => {
        const owner = this.#owners.get(sessionId) ?? '(nobody)';
        const lately = [...seen].slice(-MOST_AT_ONCE);
        const { by, isOfGuardian } = authorOf(port, link.port, lately);
        const isElsewhere = this.#places.get(sessionId) !== link;
        closes.push({
          instance: owner,
          sessionId,
          by,
          isOfGuardian,
          isElsewhere,
          atMs,
        });
        this.#options.record(`${by} ends session ${sessionId} of ${owner}`);
      };
    }
  }
}

/** Whose connection it is, in words. */
function authorOf(
  port: number,
  linkPort: number,
  instances: readonly FaultInstance[],
): { by: string; isOfGuardian: boolean } {
  for (const instance of instances.toReversed()) {
    const pid = socketOwner(port, linkPort, instance.family());
    if (pid !== undefined) {
      const isOfGuardian = pid !== instance.pid;
      const who = isOfGuardian ? 'guardian of' : 'application';
      return { by: `the ${who} ${instance.id}`, isOfGuardian };
    }
  }
  return { by: 'somebody who has ended', isOfGuardian: false };
}
