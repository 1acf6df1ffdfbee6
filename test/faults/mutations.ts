import type { FaultKind } from './faults/index.js';

/** A way to break the library, and faults that should bring it to light. */
export interface Mutation {
  readonly changes: readonly {
    /** Below dist. The keeper runs from its CommonJS build, all else from the other. */
    readonly file: string;
    readonly original: string;
    readonly replacement: string;
  }[];
  readonly kinds: readonly FaultKind[];
  readonly seed: string;
}

const LEASE = 'esm/zookeeper/session-lease.js';

export const MUTATIONS = {
  'lease check off': {
    changes: [
      {
        file: LEASE,
        original: `grantedAt === undefined ||
            this.#clock.monotonicNs() >= this.#endsAtNs`,
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
        file: 'esm/election/election-recipe.js',
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
        file: 'esm/election/serial-loop.js',
        original: 'if (!this.#isRunning && !this.#isStopped) {',
        replacement: 'if (!this.#isStopped) {',
      },
    ],
    kinds: ['resign', 'withdraw', 'delay', 'reset'],
    seed: 'a',
  },
  'drain skipped': {
    changes: [
      {
        file: 'esm/election/zookeeper-election.js',
        original: 'await this.#options.drain(this.name);',
        replacement: '',
      },
    ],
    kinds: ['resign', 'withdraw', 'terminate'],
    seed: 'a',
  },
  'fencing token that stays': {
    changes: [
      {
        file: 'esm/election/election-recipe.js',
        original: "this.#state.lead(candidacy.fencingToken, 'elected');",
        replacement: "this.#state.lead(1, 'elected');",
      },
    ],
    kinds: ['resign', 'withdraw', 'terminate'],
    seed: 'a',
  },
  'session left open by the keeper': {
    changes: [
      {
        file: 'cjs/native/keeper/keeper.main.js',
        original: "process.on('disconnect', () => void close());",
        replacement:
          "process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));",
      },
    ],
    kinds: ['kill'],
    seed: 'a',
  },
  'node left behind': {
    changes: [
      {
        file: 'esm/election/election-recipe.js',
        original: 'if (candidacy?.isCreateSent) {',
        replacement: 'if (false) {',
      },
      {
        file: 'esm/election/election-recipe.js',
        original: 'if (name !== ours?.name) {',
        replacement: 'if (false) {',
      },
    ],
    kinds: ['resign', 'withdraw', 'terminate'],
    seed: 'a',
  },
  'unhandled rejection': {
    changes: [
      {
        file: 'esm/zookeeper/session-lease.js',
        original: `this.#tellOfHeartbeat(sentAt, false);
            return this.isValid();`,
        replacement: `this.#tellOfHeartbeat(sentAt, false);
            throw new Error('no answer');`,
      },
    ],
    kinds: ['partition', 'reset', 'quorum'],
    seed: 'a',
  },
} satisfies Record<string, Mutation>;

export type MutationName = keyof typeof MUTATIONS;
