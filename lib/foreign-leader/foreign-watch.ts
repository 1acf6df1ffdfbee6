import type { Logger } from '@nestjs/common';
import { unlessMissing } from '../zookeeper/unless-missing.js';
import type { ZookeeperClient } from '../zookeeper/zookeeper-client.interface.js';
import { sortedNodes } from '../election/election-node.js';
import {
  foreignLeaderMessage,
  foreignLeaders,
  type ForeignLeader,
  type Standing,
} from './foreign-leader.js';
import { leaderWithin } from '../election/known-leader.js';
import type { LeaderElection } from '../election/leader-election.js';
import type { Participant } from '../election/leadership.interface.js';
import { participantsAmong } from '../election/participants.js';

/** A hand-over costs nothing, and neither does a term that is short. */
const FIRST_LOOK_MS = 5_000;
const LOOK_AGAIN_MS = 60_000;
/** The last ones to come: what is new is what differs. */
const MOST_COMPARED = 20;

type Found = ReadonlyMap<string, ForeignLeader>;

const NOTHING: Found = new Map();

export interface ForeignWatchSettings {
  readonly election: LeaderElection;
  readonly path: string;
  readonly client: ZookeeperClient;
  readonly logger: Logger;
  /** What this instance stands for. */
  readonly self: () => Standing;
}

/**
 * Says when an instance waits behind a leader that does not do its work: that of
 * another application, or of a version without its tasks.
 *
 * A follower compares itself with every leader that it sees anyway. A leader looks
 * at those behind it when its term has lasted for a while, and once a minute.
 */
export class ForeignWatch {
  readonly #settings: ForeignWatchSettings;
  #found = NOTHING;
  /** What the log has said, and has not taken back. */
  #told = NOTHING;
  #leader: Participant | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The last change of the queue that a leader has looked at. */
  #lookedAt: number | undefined;

  constructor(settings: ForeignWatchSettings) {
    this.#settings = settings;
    let isLeader: boolean | undefined;
    settings.election.leadership$.subscribe({
      next: ({ role }) => {
        if (role === 'idle' || (role === 'leader') !== isLeader) {
          isLeader = role === 'leader';
          this.#begin(isLeader);
        }
      },
      complete: () => clearTimeout(this.#timer),
    });
  }

  /** What is wrong, in sentences. */
  get warnings(): string[] {
    return [...this.#found.values()].map((each) =>
      foreignLeaderMessage(each, this.#settings.path),
    );
  }

  /** Another instance leads, or is about to. */
  leaderSeen(leader: Participant): void {
    const { role, reason } = this.#settings.election.leadership;
    if (role !== 'follower' && reason !== 'disabled') {
      return;
    }
    clearTimeout(this.#timer);
    if (leader.leaderSince) {
      this.#leader = leader;
      this.#note(foreignLeaders(leader, [this.#settings.self()]));
    } else {
      this.#lookIn(FIRST_LOOK_MS);
    }
  }

  /** This instance has other tasks than before. */
  tasksChanged(): void {
    this.#lookedAt = undefined;
    if (this.#leader) {
      this.leaderSeen(this.#leader);
    }
  }

  #begin(isLeader: boolean): void {
    this.#leader = undefined;
    this.#lookedAt = undefined;
    this.#found = NOTHING;
    clearTimeout(this.#timer);
    if (isLeader) {
      this.#lookIn(FIRST_LOOK_MS);
    }
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const { election } = this.#settings;
    const { leadership } = election;
    if (leadership.role !== 'leader') {
      // What it finds comes to leaderSeen().
      await leaderWithin(election.leader$, FIRST_LOOK_MS);
      return;
    }
    this.#lookIn(LOOK_AGAIN_MS);
    try {
      await this.#lookAtQueue(leadership.term.signal);
    } catch {
      // The next look is soon enough.
    }
  }

  async #lookAtQueue(signal: AbortSignal): Promise<void> {
    const { client, path, self } = this.#settings;
    const listed = await unlessMissing(client.getChildren(path));
    if (!listed || listed.stat.pzxid === this.#lookedAt) {
      return;
    }
    const nodes = sortedNodes(listed.children).slice(-MOST_COMPARED);
    const waiting = await participantsAmong(client, path, nodes);
    if (!signal.aborted) {
      this.#lookedAt = listed.stat.pzxid;
      this.#note(foreignLeaders(self(), waiting));
    }
  }

  #note(found: Found): void {
    const { logger, path, election } = this.#settings;
    for (const [key, foreign] of found) {
      if (!this.#told.has(key)) {
        logger.warn(foreignLeaderMessage(foreign, path));
      }
    }
    if (this.#told.size > 0 && found.size === 0) {
      logger.log(
        `The election ${path} is not led by another application or version ` +
          'any more, as far as this instance sees',
      );
    }
    this.#found = found;
    this.#told = found;
    if (found.size > 0 && election.leadership.role !== 'leader') {
      this.#lookIn(LOOK_AGAIN_MS);
    }
  }
}
