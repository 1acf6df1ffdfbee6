import {
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { LibraryLogger } from '../library-logger.js';
import type { LeaderElections } from '../election/leader-elections.js';
import { NodeWatch } from '../session/node-watch.js';
import { childrenOf, type Nodes } from '../session/nodes.js';
import { encodeSegment } from '../node-paths.js';
import { drainOf } from './drain.js';

/** Has this instance leave all elections while it is drained from outside. */
export class DrainWatch implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #elections: LeaderElections;
  readonly #logger = new LibraryLogger();
  readonly #watch: NodeWatch | undefined;
  #isDrained = false;
  #stopFollowing: (() => void) | undefined;

  constructor(elections: LeaderElections) {
    this.#elections = elections;
    const { session } = elections;
    this.#watch =
      session &&
      new NodeWatch(session.client, (changed) => this.#read(session, changed), {
        what: 'Whether this instance is drained',
        path: session.paths.drains,
        logger: this.#logger,
      });
  }

  onApplicationBootstrap(): void {
    if (this.#watch) {
      this.#watch.start();
      this.#stopFollowing = this.#elections.follow((election) => {
        if (this.#isDrained) {
          election.keepAway?.(true);
        }
      });
    }
  }

  onModuleDestroy(): void {
    this.#watch?.stop();
    this.#stopFollowing?.();
  }

  async #read(nodes: Nodes, changed: () => void): Promise<void> {
    const { instanceId } = this.#elections;
    const drained = await childrenOf(nodes.client, nodes.paths.drains, changed);
    const isDrained = drained.includes(encodeSegment(instanceId));
    if (isDrained === this.#isDrained) {
      return;
    }
    this.#isDrained = isDrained;
    this.#elections.companions.isAway = isDrained;
    for (const election of this.#elections.all) {
      election.keepAway?.(isDrained);
    }
    if (isDrained) {
      // Only for the log: it has left already.
      const drain = await drainOf(nodes, instanceId).catch(() => undefined);
      const by = drain?.by ?? '(unknown)';
      this.#logger.warn(
        `${instanceId} is drained by "${by}": it leaves all elections and ` +
          'leads nothing until it is undrained',
      );
    } else {
      this.#logger.log(
        `${instanceId} is drained no more: it takes part in its elections again`,
      );
    }
  }
}
