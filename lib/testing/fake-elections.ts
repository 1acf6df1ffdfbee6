import { ModulesContainer, type ModuleRef } from '@nestjs/core';
import { LeaderElections } from '../election/leader-elections.js';
import { lateGuards } from '../tasks/only-leader.decorator.js';
import { OptionChecks, type OptionTable } from '../validate.js';
import { VERSION } from '../version.js';
import { ZookeeperLeaderLifecycle } from '../zookeeper-leader.lifecycle.js';
import type { ResolvedOptions } from '../zookeeper-leader.options.js';
import { FakeCluster } from './fake-cluster.js';
import { FakeLeaderElection } from './fake-leader-election.js';

/**
 * What the fake elections of an application are like.
 *
 * @publicApi
 */
export interface FakeElectionsOptions {
  /** Id of this instance; default `test`. */
  readonly instanceId?: string;
  /**
   * Others to elect among, as soon as the application has been initialised.
   * Without it nobody leads before the test says so.
   */
  readonly cluster?: FakeCluster;
  /** True: this instance leads all elections from the start. Default false. */
  readonly leads?: boolean;
}

const FAKE_ELECTIONS_OPTIONS: OptionTable<FakeElectionsOptions> = {
  instanceId: true,
  cluster: true,
  leads: true,
};

/**
 * @param owner whose options they are
 * @param more other options that it has
 * @throws {TypeError} that names the option and the fix
 */
export function checkFakeElectionsOptions(
  owner: string,
  options: unknown,
  more: Readonly<Record<string, true>> = {},
): void {
  const checks = new OptionChecks(owner);
  const { instanceId, cluster, leads } = checks.object<FakeElectionsOptions>(
    options,
    { ...FAKE_ELECTIONS_OPTIONS, ...more },
  );
  if (instanceId !== undefined) {
    checks.name('instanceId', instanceId);
  }
  if (cluster !== undefined && !(cluster instanceof FakeCluster)) {
    const expected = 'new FakeCluster()';
    throw checks.error('cluster', cluster, 'is not a FakeCluster', expected);
  }
  checks.flag('leads', leads, false);
}

/**
 * The elections of a testing module. They make its decorators work when they are
 * needed: a module that is compiled but not initialised has no other moment.
 */
export function makeFakeElections(
  resolved: ResolvedOptions,
  moduleRef: ModuleRef,
  { instanceId = 'test', cluster, leads = false }: FakeElectionsOptions,
): LeaderElections {
  const explore = (): void =>
    moduleRef.get(ZookeeperLeaderLifecycle, { strict: false }).explore();
  const elections = new LeaderElections(
    resolved,
    { instanceId, host: 'localhost', pid: process.pid },
    VERSION,
    (parts) => {
      const election = new FakeLeaderElection(
        { name: parts.name, instanceId, ...(cluster && { cluster }) },
        parts,
        explore,
      );
      if (leads) {
        election.begin();
      }
      return election;
    },
  );
  guardLate(new WeakRef(moduleRef));
  return elections;
}

/** Holds the module only as long as the test does, which need not close it. */
function guardLate(held: WeakRef<ModuleRef>): void {
  const guard = (instance: object): boolean => {
    const moduleRef = held.deref();
    if (!moduleRef) {
      lateGuards.delete(guard);
      return false;
    }
    const isOurs = [
      ...moduleRef.get(ModulesContainer, { strict: false }).values(),
    ].some(({ providers, controllers }) =>
      [...providers.values(), ...controllers.values()].some(
        (wrapper) => wrapper.instance === instance,
      ),
    );
    if (isOurs) {
      moduleRef.get(ZookeeperLeaderLifecycle, { strict: false }).explore();
    }
    return isOurs;
  };
  lateGuards.add(guard);
}
