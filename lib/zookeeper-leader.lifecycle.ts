import type {
  OnApplicationBootstrap,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import type { LeaderElections } from './election/leader-elections.js';
import type { LeaderTasks } from './tasks/leader-tasks.js';
import { MODULE_IMPORTED_TWICE } from './zookeeper-leader.messages.js';

/** What happens when the application starts and stops. */
export class ZookeeperLeaderLifecycle
  implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy
{
  #isExplored = false;

  constructor(
    private readonly countImports: () => number,
    private readonly explorers: readonly { explore(): void }[],
    private readonly elections: LeaderElections,
    private readonly tasks: LeaderTasks,
  ) {}

  onModuleInit(): void {
    if (this.countImports() > 1) {
      throw new TypeError(MODULE_IMPORTED_TWICE);
    }
    this.explore();
  }

  /** Makes the decorators work; does nothing the second time. */
  explore(): void {
    if (!this.#isExplored) {
      this.#isExplored = true;
      for (const explorer of this.explorers) {
        explorer.explore();
      }
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.elections.start();
  }

  /**
   * No new runs, then the end of those that go on, then of the leadership, then
   * of the session: each within a bound, none with an error, because a hook
   * that rejects would keep Nest 11 from calling the others.
   */
  async onModuleDestroy(): Promise<void> {
    await this.tasks.close();
    await this.elections.shutDown();
    this.tasks.end();
  }
}
