import type { FaultKind } from './faults/index.js';
import type { Security } from './security.js';

/** Where the guardian of an application runs. */
export const GUARDIAN_FORMS = ['child', 'run', 'sidecar'] as const;
export type GuardianForm = (typeof GUARDIAN_FORMS)[number];

/** Whether applications use the npm package `zookeeper`. */
export const IS_NATIVE = process.env.FAULTS_CLIENT === 'native';

/** What one run is made of. */
export interface RunSettings {
  readonly seed: string;
  readonly minutes: number;
  readonly kinds: readonly FaultKind[];
  /** How often a fault has another one's company, where it may. */
  readonly combinedShare: number;
  readonly instances: number;
  readonly sessionTimeoutMs: number;
  /** Whether the first instance is never ended: then its memory can be followed. */
  readonly hasSurvivor: boolean;
  readonly security: Security;
  /** Of all instances; undefined: drawn for each. */
  readonly guardian: GuardianForm | undefined;
  /** URL of the library's build. */
  readonly library: string;
  /** Of an earlier commit's, for a fleet of two versions. */
  readonly formerLibrary: string | undefined;
  /** The application, compiled. */
  readonly application: string;
  /** Preloaded, it has names looked up in a file; undefined where that has no effect. */
  readonly names: string | undefined;
  /** A directory of the run's own. */
  readonly directory: string;
  /** Delays what a server writes to its disk, if it can be built here. */
  readonly slowDisk: string | undefined;
  /** Makes the wall clock of a process adjustable, if it is installed. */
  readonly faketime: string | undefined;
  /** Stop at the first violation. */
  readonly isHasty: boolean;
  /** Without `priority`: a broken library is to show that it is broken. */
  readonly isPlain: boolean;
  readonly log: (line: string) => void;
  /** Takes everything that anybody says. */
  readonly record: (line: string) => void;
}

export const BASE_PATH = '/faults';
/** That is never balanced. */
export const DEFAULT_ELECTION = 'default';
export const ELECTIONS = [DEFAULT_ELECTION, 'second'] as const;
/** That some instances take part in besides. */
export const EXTRA_ELECTIONS = ['extra-1', 'extra-2', 'extra-3', 'extra-4'];
/** Whose path is removed, and which is joined for a moment only. */
export const FRESH_ELECTION = 'fresh';
/** The task that all instances share, and how many partitions it has. */
export const SHARED_TASK = 'shared';
export const PARTITIONS = 6;
/** Each is an election and a task of its own. */
export const SHARED_NAMES: readonly string[] = Array.from(
  { length: PARTITIONS },
  (_, partition) => `${SHARED_TASK}[${partition}]`,
);
export const SHARED_PATH = `${BASE_PATH}/partitions/${SHARED_TASK}`;
export const ALL_ELECTIONS: readonly string[] = [
  ...ELECTIONS,
  ...EXTRA_ELECTIONS,
  ...SHARED_NAMES,
];
export const LEDGERED_TASKS: readonly string[] = [
  'once',
  'again',
  ...SHARED_NAMES,
];
/** No tick of theirs runs twice, whatever becomes of its run. */
export const TASKS_WITHOUT_RERUN: readonly string[] = ['once', ...SHARED_NAMES];
/** More than a run ever takes that nobody disturbs. */
export const DRAIN_TIMEOUT_MS = 1_000;
/** What docs/safety.md says that a lease is. */
export const LEASE_SHARE = 2 / 3;
export const TICK_TIME_MS = 200;
/** So much later than promised is given up. */
export const PATIENCE_MS = 60_000;
