import type { FaultKind } from './faults/index.js';

/** A way to break the library, and faults that should bring it to light. */
export interface Mutation {
  readonly changes: readonly {
    /** Below dist/esm. */
    readonly file: string;
    readonly original: string;
    readonly replacement: string;
  }[];
  readonly kinds: readonly FaultKind[];
  readonly seed: string;
}

const LEASE = 'zookeeper/session-lease.js';

export const MUTATIONS = {
  'lease check off': {
    changes: [
      {
        file: LEASE,
        original: `grantedAt === undefined ||
            this.#clock.monotonicMs() - grantedAt.monotonicMs >= this.#durationMs`,
        replacement: 'grantedAt === undefined',
      },
      {
        file: LEASE,
        original:
          'return wallMs - grantedAt.wallMs < this.#durationMs ? wallMs : undefined;',
        replacement: 'return wallMs;',
      },
    ],
    kinds: ['partition', 'freeze'],
    seed: 'a',
  },
  'owner check off': {
    changes: [
      {
        file: 'election/election-recipe.js',
        original: 'if (content?.stat.ephemeralOwner === candidacy.sessionId) {',
        replacement: 'if (content) {',
      },
    ],
    kinds: ['replace-node'],
    seed: 'a',
  },
  'reconcile not serialized': {
    changes: [
      {
        file: 'election/serial-loop.js',
        original: 'if (!this.#isRunning && !this.#isStopped) {',
        replacement: 'if (!this.#isStopped) {',
      },
    ],
    kinds: ['resign', 'withdraw', 'delay', 'reset'],
    seed: 'a',
  },
} satisfies Record<string, Mutation>;

export type MutationName = keyof typeof MUTATIONS;
