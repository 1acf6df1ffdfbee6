import type {
  INestApplicationContext,
  LoggerService,
  ModuleMetadata,
  Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  LeaderElections,
  ZookeeperLeaderModule,
  type LeaderElection,
  type ZookeeperLeaderModuleOptions,
} from '../../lib/index.js';
import { LeadershipChecker } from './leadership-checker.js';
import { MemoryLogger } from './memory-logger.js';

export interface ApplicationParts extends ModuleMetadata {
  options?: ZookeeperLeaderModuleOptions;
  logger?: LoggerService;
}

/** Applications to be closed after a test. */
const running = new Set<INestApplicationContext>();
/** Who of them has led when. */
let checker = new LeadershipChecker();
let applications = 0;
let era = 0;
/** What the checker knows of an election of an application. */
const recorded = new WeakMap<
  LeaderElection,
  { instance: string; election: string }
>();
/** A leader that was tampered with has heard of it by then. */
const LONGEST_IGNORANCE_NS = 10_000_000_000n;

/** A root module of its own for each application, with the module imported. */
export function rootModule({
  options = {},
  imports = [],
  ...metadata
}: ApplicationParts): { module: Type } & ModuleMetadata {
  return {
    module: class RootModule {},
    imports: [ZookeeperLeaderModule.forRoot(options), ...imports],
    ...metadata,
  };
}

/** Starts a Nest application as its own main.ts would. */
export async function startApplication({
  logger = new MemoryLogger(),
  ...parts
}: ApplicationParts): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(rootModule(parts), {
    logger,
    abortOnError: false,
  });
  return track(app);
}

/** Has an application closed after the test, and its leadership written down. */
export function track<T extends INestApplicationContext>(app: T): T {
  running.add(app);
  record(app);
  return app;
}

/** For afterEach: proves, too, that each election had one leader at a time. */
export async function closeApplications(): Promise<void> {
  const apps = [...running];
  running.clear();
  await Promise.all(apps.map((app) => app.close()));
  const ended = checker;
  checker = new LeadershipChecker();
  ended.assertNoViolations();
}

/** Undefined for an application without the module. */
function electionsOf(
  app: INestApplicationContext,
): LeaderElections | undefined {
  try {
    return app.get(LeaderElections, { strict: false });
  } catch {
    return undefined;
  }
}

/** For a test that empties ZooKeeper: fencing tokens begin anew. */
export function beginEra(): void {
  era += 1;
}

/**
 * For a test that is about to delete the node of a leader, or to end its session:
 * the next one leads at once, while the former learns of it by an event
 * (docs/safety.md).
 */
export function exempt(leader: LeaderElection): void {
  const known = recorded.get(leader);
  if (!known) {
    throw new Error('This election is not recorded');
  }
  const fromNs = process.hrtime.bigint();
  const untilNs = fromNs + LONGEST_IGNORANCE_NS;
  checker.exemptions.push({ ...known, fromNs, untilNs });
}

function record(app: INestApplicationContext): void {
  const elections = electionsOf(app);
  const session = elections?.session;
  if (!session) {
    // Without ZooKeeper everybody leads.
    return;
  }
  applications += 1;
  const instance = `${elections.instanceId}, application ${applications}`;
  elections.follow((followed) => {
    const { name, leadership$ } = followed;
    const election = `${session.paths.base} ${name}`;
    recorded.set(followed, { instance, election });
    leadership$.subscribe((leadership) => {
      const fromNs = process.hrtime.bigint();
      checker.lost(instance, election, fromNs);
      if (leadership.role === 'leader') {
        const { fencingToken } = leadership.term;
        checker.gained({ instance, election, fromNs, fencingToken, era });
      }
    });
  });
}
