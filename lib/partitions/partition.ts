import type { Observable } from 'rxjs';
import {
  parseParticipant,
  isOwnedBySession,
} from '../election/election-node.js';
import type { TaskElection } from '../election/managed-election.js';
import { LeadershipState } from '../election/leadership-state.js';
import type {
  Leadership,
  Participant,
} from '../election/leadership.interface.js';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import type { SessionLease } from '../session/session-lease.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';

export interface PartitionSettings {
  /** Name of the group. */
  readonly group: string;
  readonly index: number;
  /** Path of the node that its owner has. */
  readonly path: string;
  readonly instanceId: string;
  readonly client: ZookeeperClient;
  readonly lease: SessionLease;
}

/** The name of one partition, for people and for whatever addresses its task. */
export function partitionName(group: string, index: number): string {
  return `${group}[${index}]`;
}

/**
 * One partition as this instance sees it: an election whose leader is the owner.
 * {@link Ownership} decides what it is.
 */
export class Partition implements TaskElection {
  readonly name: string;
  readonly index: number;
  readonly path: string;
  readonly instanceId: string;
  readonly state: LeadershipState;
  readonly #client: ZookeeperClient;

  constructor(settings: PartitionSettings) {
    this.name = partitionName(settings.group, settings.index);
    this.index = settings.index;
    this.path = settings.path;
    this.instanceId = settings.instanceId;
    this.#client = settings.client;
    this.state = new LeadershipState(
      this.name,
      this.instanceId,
      'starting',
      settings.lease,
    );
  }

  get leadership(): Leadership {
    return this.state.current;
  }

  get leadership$(): Observable<Leadership> {
    return this.state.changes$;
  }

  isLeader(): boolean {
    return this.state.isLeader();
  }

  leadsAtMs(): number | undefined {
    return this.state.leadsAtMs();
  }

  revalidate(): Promise<boolean> {
    return this.state.revalidate();
  }

  async confirm(): Promise<boolean> {
    const { connection } = this.#client;
    const [, content] = await Promise.all([
      this.#client.sync(this.path),
      unlessMissing(this.#client.get(this.path)),
    ]);
    return (
      content?.stat.ephemeralOwner === connection.sessionId && this.isLeader()
    );
  }

  /** The owner, if there is one. */
  async participants(): Promise<Participant[]> {
    const content = await unlessMissing(this.#client.get(this.path));
    return content && isOwnedBySession(content.stat)
      ? [parseParticipant(String(this.index), content.data, content.stat)]
      : [];
  }
}
