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
   * As with `resign()`: no new runs, the terms end and running tasks are told at
   * once; they and the hooks are waited for before the next instance leads. Then
   * the session ends. Each within a bound, none with an error, because a hook
   * that rejects would keep Nest 11 from calling the others.
   */
  async onModuleDestroy(): Promise<void> {
    // Refuses new runs at once, and waits for those that have no term.
    const closed = this.tasks.close();
    await this.elections.shutDown();
    await closed;
    this.tasks.end();
  }
}
