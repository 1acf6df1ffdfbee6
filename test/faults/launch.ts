import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultInstanceOptions } from './instance.js';
import type { Link } from './link.js';
import type { InstanceSecurity } from './security.js';
import {
  BASE_PATH,
  DRAIN_TIMEOUT_MS,
  FRESH_ELECTION,
  IS_NATIVE,
  type RunSettings,
} from './settings.js';
import { describeVariety, drawVariety, electionsOf } from './variety.js';

/** What a place for an instance keeps when the instance is replaced. */
export interface Place {
  readonly index: number;
  /** To each server. */
  readonly links: readonly Link[];
  /** In which the instance looks up where the servers are, by name. */
  readonly namesFile: string;
  /** From which the instance's wall clock takes its offset. */
  readonly clockFile: string;
}

export type Launch = Pick<
  FaultInstanceOptions,
  'application' | 'guardian' | 'settings' | 'env'
>;

export function placeOf(
  { directory }: RunSettings,
  index: number,
  links: readonly Link[],
): Place {
  return {
    index,
    links,
    clockFile: join(directory, `clock-${index}`),
    namesFile: join(directory, `names-${index}`),
  };
}

/** Where an instance finds the servers whose names it knows, from now on. */
export function writeNames({ links, namesFile }: Place): void {
  const names = links.map(({ address }, nth) => [serverName(nth), address]);
  writeFileSync(namesFile, JSON.stringify(Object.fromEntries(names)));
}

/** How the next instance of a place is started. */
export function launch(
  run: RunSettings,
  place: Place,
  incarnation: number,
  security: InstanceSecurity,
  storePort: number,
): Launch {
  const instanceId = `i${place.index}.${incarnation}`;
  const variety = drawVariety(run, place.index, incarnation);
  const elections = electionsOf(variety);
  // Earlier versions, and keepers, look names up in a way that cannot be changed
  // from outside.
  const hasNames = run.names !== undefined && !variety.isFormer && !IS_NATIVE;
  writeNames(place);
  writeFileSync(place.clockFile, '+0');
  run.record(
    `${instanceId} is ${describeVariety(variety)}, security: ${security.kind}`,
  );
  return {
    application: run.application,
    guardian: variety.guardian,
    settings: {
      library:
        (variety.isFormer ? run.formerLibrary : undefined) ?? run.library,
      elections,
      freshElection: FRESH_ELECTION,
      isObserver: variety.isObserver,
      hasHangingHooks: variety.hasHangingHooks,
      storePort,
      options: {
        instanceId,
        connectionLossPolicy: variety.connectionLossPolicy,
        ...security.options,
        connectionString: place.links
          .map(
            ({ address, port }, nth) =>
              `${hasNames ? serverName(nth) : address}:${port}`,
          )
          .join(','),
        basePath: BASE_PATH,
        sessionTimeoutMs: run.sessionTimeoutMs,
        maxStallMs: 2 * run.sessionTimeoutMs,
        drainTimeoutMs: DRAIN_TIMEOUT_MS,
        ...(!variety.isFormer && { weight: variety.weight }),
        ...(variety.isBalanced && { balance: true }),
        ...(variety.priority !== 0 && { priority: variety.priority }),
        elections: [...elections, FRESH_ELECTION],
      },
    },
    env: {
      ...(run.faketime && {
        LD_PRELOAD: run.faketime,
        FAKETIME_TIMESTAMP_FILE: place.clockFile,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      }),
      ...(hasNames && {
        NODE_OPTIONS: `--import=${run.names}`,
        NAMES_FILE: place.namesFile,
      }),
    },
  };
}

function serverName(nth: number): string {
  return `server-${nth + 1}.faults.test`;
}
