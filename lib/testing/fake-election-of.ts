import type { DiscoveryService } from '@nestjs/core';
import { LeaderElections } from '../election/leader-elections.js';
import { Partitions } from '../partitions/partitions.js';
import { LeaderTasks } from '../tasks/leader-tasks.js';
import { memoryNodes } from '../tasks/ledger/memory-client.js';
import { tasksOf } from '../tasks/only-leader.decorator.js';
import { Schedules } from '../tasks/schedule/schedules.js';
import { VERSION } from '../version.js';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import { resolveOptions } from '../zookeeper-leader.options.js';
import { isApplication, type ApplicationLike } from './application-like.js';
import { FakeLeaderElection } from './fake-leader-election.js';

/** Elections of objects that no application knows. */
const electionsOf = new WeakMap<object, LeaderElections>();

/**
 * The fake election of a testing module, of an application, or of an object that
 * was made with `new`. Such an object is guarded from the first call of this
 * function on: its methods under `@OnlyLeader()` work, and run while the test
 * lets them.
 *
 * @throws {TypeError} if the application has real elections
 *
 * @example
 * ```ts
 * const service = new InvoicesService(mailer);
 * const election = fakeElectionOf(service);
 * await service.sendInvoices(); // does nothing
 * election.elect();
 * await service.sendInvoices();
 * ```
 *
 * @publicApi
 */
export function fakeElectionOf(
  target: object,
  name: string = DEFAULT_ELECTION,
): FakeLeaderElection {
  const elections = isApplication(target)
    ? ofApplication(target)
    : ofObject(target);
  const election = elections.find(name, 'fakeElectionOf()');
  if (!(election instanceof FakeLeaderElection)) {
    throw new TypeError(
      'fakeElectionOf() was given an application with real elections. Import ' +
        'ZookeeperLeaderTestingModule.forRoot(), or give its builder to ' +
        'useFakeElections().',
    );
  }
  return election;
}

function ofApplication(application: ApplicationLike): LeaderElections {
  return application.get(LeaderElections, { strict: false });
}

function ofObject(object: object): LeaderElections {
  const known = electionsOf.get(object);
  if (known) {
    return known;
  }
  const resolved = resolveOptions({ standalone: true });
  const elections = new LeaderElections(
    resolved,
    { instanceId: 'test', host: 'localhost', pid: process.pid },
    VERSION,
    (parts) => new FakeLeaderElection({ name: parts.name }, parts),
  );
  const tasks = new LeaderTasks(
    elections,
    new Schedules(NO_PROVIDERS),
    memoryNodes(),
    { ...resolved, ledger: false },
    new Partitions(elections, resolved),
  );
  tasks.guard(object, tasksOf(object));
  electionsOf.set(object, elections);
  return elections;
}

/** There is no application, and so no scheduler to be found in it. */
const NO_PROVIDERS = {
  getProviders: () => [],
  getControllers: () => [],
} as unknown as DiscoveryService;
