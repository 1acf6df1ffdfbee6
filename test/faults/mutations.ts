import type { FaultKind } from './faults/index.js';

/** A way to break the library, and faults that should bring it to light. */
export interface Mutation {
  readonly changes: readonly {
    /** Below dist. The guardian runs from the CommonJS build, all else from the other. */
    readonly file: string;
    readonly original: string;
    readonly replacement: string;
  }[];
  readonly kinds: readonly FaultKind[];
  /** What a violation says that comes of it, and not of something else. */
  readonly shows: RegExp;
  /** Until the orderly end, where only that brings it to light. */
  readonly minutes?: number;
}

const LEASE = 'esm/session/session-lease.js';

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
    shows: /overlaps with/,
  },
  'two owners': {
    changes: [
      {
        file: 'esm/partitions/partition.js',
        original: 'return this.state.isLeader();',
        replacement: 'return this.state.isLeading;',
      },
      {
        file: 'esm/partitions/ownership.js',
        original: "this.#endTerms('lease-expired');",
        replacement: '',
      },
    ],
    kinds: ['partition', 'freeze'],
    shows: /shared\[\d\]: .* overlaps with/,
  },
  'owner check off': {
    changes: [
      {
        file: 'esm/election/candidacy.js',
        original: 'if (content?.stat.ephemeralOwner !== this.sessionId) {',
        replacement: 'if (!content) {',
      },
    ],
    kinds: ['replace-node'],
    shows: /overlaps with|token is not greater/,
  },
  'reconcile not serialized': {
    changes: [
      {
        file: 'esm/session/serial-loop.js',
        original: 'if (!this.#isRunning && !this.#isStopped) {',
        replacement: 'if (!this.#isStopped) {',
      },
    ],
    kinds: ['resign', 'withdraw', 'delay', 'reset'],
    shows: /nodes were created|no balance within \d+ ms at the start/,
  },
  'drain skipped': {
    changes: [
      {
        file: 'esm/election/election-recipe.js',
        original: 'await drain(name);',
        replacement: '',
      },
    ],
    kinds: ['resign', 'withdraw', 'terminate'],
    shows: /could not be recorded|still runs, which has/,
  },
  'fencing token that stays': {
    changes: [
      {
        file: 'esm/election/election-recipe.js',
        original: "this.#state.lead(fencingToken, 'elected');",
        replacement: "this.#state.lead(1, 'elected');",
      },
    ],
    kinds: ['resign', 'withdraw', 'terminate'],
    shows: /token is not greater/,
  },
  'session left open by the guardian': {
    changes: [
      {
        file: 'cjs/guardian/judgement.js',
        original: `if (application === 'gone') {
        return 'close';`,
        replacement: `if (application === 'gone') {
        return 'leave';`,
      },
    ],
    kinds: ['kill'],
    shows:
      /after "kill" nobody (leads|owns a partition) for|no leader within|nodes do not fit/,
  },
  'end of channel means death': {
    changes: [
      {
        file: 'cjs/guardian/judgement.js',
        original: "const isUnknown = application === 'unknown';",
        replacement: 'const isUnknown = true; endedForMs = Infinity;',
      },
    ],
    kinds: ['channel'],
    shows: /the guardian of \S+ ended session|overlaps with/,
  },
  'guardian attaches to any server': {
    changes: [
      {
        file: 'cjs/guardian/server-for-attempt.js',
        original: 'attempt % (others.length + 1)) - 1',
        replacement: 'attempt % (others.length + 1))',
      },
    ],
    kinds: ['kill'],
    shows: /at another server than that of the application/,
  },
  'no acknowledgement awaited': {
    changes: [
      {
        file: 'esm/zookeeper/session/session.js',
        original: 'await (session.isGuarded || guarded);',
        replacement: 'await undefined;',
      },
    ],
    kinds: ['guardian-start'],
    shows: /its guardian has not acknowledged the session/,
  },
  'close on give-up': {
    changes: [
      {
        file: 'esm/zookeeper/session/session.js',
        original: 'this.#disconnected(endpoint, end, readyAtMs);',
        replacement: `if (this.#session && readyAtMs === undefined && end !== 'expired') {
            this.#ending ??= new Deferred();
        }
        this.#disconnected(endpoint, end, readyAtMs);`,
      },
    ],
    kinds: ['first-answers', 'refused', 'mute'],
    shows: /ended session|overlaps with/,
  },
  'watches are never forgotten': {
    changes: [
      {
        file: 'esm/zookeeper/session/exchange.js',
        original: 'for (const kind of this.#watches.forget(path, watcher)) {',
        replacement: 'for (const kind of []) {',
      },
    ],
    kinds: ['resign'],
    shows: /leaves \d+ bytes behind/,
    minutes: 0.2,
  },
  'node left behind': {
    changes: [
      {
        file: 'esm/election/election-recipe.js',
        original:
          'if (this.#candidacy && !(await this.#candidacy.remove(epoch))) {',
        replacement: 'if (false) {',
      },
      {
        file: 'esm/election/candidacy.js',
        original: 'if (name !== ours?.name) {',
        replacement: 'if (false) {',
      },
    ],
    kinds: ['resign', 'withdraw', 'terminate'],
    shows: /no leader within|nodes do not fit|nodes were created/,
  },
  'unhandled rejection': {
    changes: [
      {
        file: 'esm/session/session-lease.js',
        original: `this.#tellOfHeartbeat(sentAtNs, false);
            return this.isValid();`,
        replacement: `this.#tellOfHeartbeat(sentAtNs, false);
            throw new Error('no answer');`,
      },
    ],
    kinds: ['partition', 'reset', 'quorum'],
    shows: /unhandled rejection/,
  },
  'claim skipped': {
    changes: [
      {
        file: 'esm/tasks/ledger/ledger.js',
        original: 'if (!isRequested && run.tick <= ledger.tick) {',
        replacement: 'if (false) {',
      },
    ],
    kinds: ['resign', 'withdraw', 'terminate'],
    shows: /was (claimed|run) twice/,
  },
  'pause forgotten': {
    changes: [
      {
        file: 'esm/tasks/ledger/ledger.js',
        original: 'if (ledger.pause && !isForced) {',
        replacement: 'if (false) {',
      },
    ],
    kinds: ['resign', 'withdraw', 'terminate'],
    shows: /has begun while it was paused/,
  },
  'caught up on twice': {
    changes: [
      {
        file: 'esm/tasks/ledger/task-ledger.js',
        original:
          'return Math.max(this.lastTick, this.#seen?.since ?? -Infinity);',
        replacement: 'return this.lastTick - 5_000;',
      },
      {
        file: 'esm/tasks/ledger/ledger.js',
        original: 'if (!isRequested && run.tick <= ledger.tick) {',
        replacement: 'if (!isRequested && run.tick < ledger.tick - 5_000) {',
      },
      {
        file: 'esm/tasks/ledger/ledger.js',
        original: 'tick: isRequested ? ledger.tick : run.tick,',
        replacement: 'tick: Math.max(ledger.tick, run.tick),',
      },
    ],
    kinds: ['resign', 'withdraw', 'terminate'],
    shows: /was (claimed|run) twice/,
  },
} satisfies Record<string, Mutation>;

export type MutationName = keyof typeof MUTATIONS;
