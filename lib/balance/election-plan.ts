import { monotonicMs } from '../clock.js';
import { sortedNodes } from '../election/election-node.js';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import { encodeSegment } from '../node-paths.js';
import { ensurePath } from '../zookeeper/ensure-path.js';
import { NodeReading } from '../session/node-reading.js';
import type {
  ChildList,
  ZookeeperClient,
} from '../zookeeper/zookeeper-client.interface.js';
import { assign, type Member } from '../partitions/assignment.js';
import type { AssignmentPlan } from '../partitions/assignment-plan.js';
import {
  parseElectionAssignment,
  parseWeight,
  serializeAssignment,
  type ElectionAssignment,
} from '../partitions/group-nodes.js';
import { possibleFavourites } from './favourites.js';
import { QueueMemory } from './queue-memory.js';

/** The names of more do not fit into one node that everybody reads. */
const MOST_BALANCED = 1_000;
const MOST_BYTES = 500_000;
/** While somebody may be about to join a queue again. */
const LOOK_AGAIN_MS = 100;

/** The elections among these that are balanced: the first ones by name. */
export function balancedAmong(segments: readonly string[]): string[] {
  const named = segments
    .filter((name) => name !== encodeSegment(DEFAULT_ELECTION))
    .toSorted()
    .slice(0, MOST_BALANCED);
  let bytes = 0;
  const end = named.findIndex((name) => {
    bytes += name.length;
    return bytes > MOST_BYTES;
  });
  return end < 0 ? named : named.slice(0, end);
}

/** An election, as far as it matters who should lead it. */
export interface Standing {
  /** Name of its node. */
  readonly election: string;
  /** The sessions that can lead it, in the order of the queue. */
  readonly able: readonly string[];
}

/**
 * Spreads the elections over the members. Those that the same members can lead are
 * balanced together. An election stays where it is assigned, or else with who is
 * first in its queue, as long as that one does not have too many.
 *
 * @param members the oldest first
 * @returns `known` itself, if nothing has to change
 */
export function assignElections(
  members: readonly Member[],
  standings: readonly Standing[],
  known: ElectionAssignment | undefined,
): ElectionAssignment | undefined {
  const round = known?.round ?? 0;
  const former = new Map(
    known?.elections.map((election, index) => [
      election,
      { owner: known.owners[index], moved: known.moved[index] ?? 0 },
    ]),
  );
  const next = new Map<string, Place>();
  for (const group of groupsOf(members, standings)) {
    const places = group.standings.map(({ election, able }) => {
      const place = former.get(election);
      const isThere = group.ids.has(place?.owner ?? '');
      const heir = able.find((each) => group.ids.has(each));
      return place && isThere ? place : { owner: heir, moved: round + 1 };
    });
    const { owners, moved } = assign(group.members, {
      round,
      owners: places.map(({ owner }) => owner),
      moved: places.map((place) => place.moved),
    });
    group.standings.forEach(({ election }, index) =>
      next.set(election, { owner: owners[index], moved: moved[index] ?? 0 }),
    );
  }
  const elections = [...next.keys()].toSorted();
  const isSame =
    elections.length === former.size &&
    elections.every(
      (each) => former.get(each)?.owner === next.get(each)?.owner,
    );
  if (isSame || elections.length === 0) {
    return known;
  }
  const places = elections.map((each) => next.get(each) as Place);
  return {
    round: round + 1,
    elections,
    owners: places.map(({ owner }) => owner),
    moved: places.map(({ moved }) => moved),
  };
}

/** The queue of one election. */
interface Queue {
  readonly reading: NodeReading<ChildList>;
  readonly memory: QueueMemory;
}

interface Place {
  readonly owner: string | undefined;
  readonly moved: number;
}

interface Group {
  readonly members: readonly Member[];
  readonly ids: ReadonlySet<string>;
  readonly standings: Standing[];
}

/** The elections by the members that can lead them; without those that none can. */
function groupsOf(
  members: readonly Member[],
  standings: readonly Standing[],
): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const standing of standings) {
    const able = members.filter(({ id }) => standing.able.includes(id));
    const ids = new Set(able.map(({ id }) => id));
    const key = [...ids].join();
    const group = groups.get(key) ?? { members: able, ids, standings: [] };
    group.standings.push(standing);
    if (able.length > 0) {
      groups.set(key, group);
    }
  }
  return groups.values();
}

/** Spreads the named elections of an application. */
export class ElectionPlan implements AssignmentPlan<
  Member,
  ElectionAssignment
> {
  readonly parseMember = parseWeight;
  readonly parse = parseElectionAssignment;
  readonly serialize = serializeAssignment;
  readonly #client: ZookeeperClient;
  readonly #path: string;
  readonly #onChange: () => void;
  readonly #names: NodeReading<ChildList>;
  /** By the name of the election's node. */
  readonly #queues = new Map<string, Queue>();
  /** Runs while somebody counts that is not in a queue. */
  #lookAgain: NodeJS.Timeout | undefined;

  /**
   * @param path of the elections
   * @param onChange called when there may be another assignment
   */
  constructor(client: ZookeeperClient, path: string, onChange: () => void) {
    this.#client = client;
    this.#path = path;
    this.#onChange = onChange;
    this.#names = NodeReading.children(client, path, onChange);
  }

  forget(): void {
    clearTimeout(this.#lookAgain);
    this.#names.forget();
    this.#forgetAllBut([]);
  }

  async next(
    members: readonly Member[],
    known: ElectionAssignment | undefined,
  ): Promise<ElectionAssignment | undefined> {
    const listed = await this.#names.read();
    if (!listed) {
      await ensurePath(this.#client, this.#path, 'persistent');
      this.#onChange();
      return undefined;
    }
    const names = balancedAmong(listed.children);
    this.#forgetAllBut(names);
    const sessions = new Set(members.map(({ id }) => id));
    const standings = await Promise.all(
      names.map(async (election) => ({
        election,
        able: await this.#able(election, sessions),
      })),
    );
    clearTimeout(this.#lookAgain);
    if ([...this.#queues.values()].some(({ memory }) => memory.isUncertain)) {
      this.#lookAgain = setTimeout(this.#onChange, LOOK_AGAIN_MS);
    }
    return assignElections(members, standings, known);
  }

  async #able(
    election: string,
    members: ReadonlySet<string>,
  ): Promise<string[]> {
    const queue = this.#queues.get(election) ?? {
      reading: NodeReading.children(
        this.#client,
        `${this.#path}/${election}`,
        this.#onChange,
      ),
      memory: new QueueMemory(),
    };
    this.#queues.set(election, queue);
    const listed = await queue.reading.read();
    return possibleFavourites(
      queue.memory.recall(
        sortedNodes(listed?.children ?? []),
        members,
        monotonicMs(),
      ),
    );
  }

  #forgetAllBut(names: readonly string[]): void {
    const kept = new Set(names);
    for (const [name, queue] of this.#queues) {
      if (!kept.has(name)) {
        queue.reading.forget();
        this.#queues.delete(name);
      }
    }
  }
}
