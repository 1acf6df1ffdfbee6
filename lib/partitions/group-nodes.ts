import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';
import { isOwnedBySession, parseObject } from '../election/election-node.js';
import type { Assignment, Member } from './assignment.js';

/** More partitions than this do not fit into one node that everybody reads. */
export const MOST_PARTITIONS = 10_000;

/** Where the nodes of a group of partitions lie (docs/design.md). */
export class GroupPaths {
  /** The election of the coordinator: its participants are the members. */
  readonly members: string;
  readonly assignment: string;
  /** Its children are what is owned; its data never changes. */
  readonly owners: string;

  constructor(readonly group: string) {
    this.members = `${group}/members`;
    this.assignment = `${group}/assignment`;
    this.owners = `${group}/owners`;
  }

  owner(partition: number): string {
    return `${this.owners}/${partition}`;
  }
}

/** What a member writes into its entry besides who it is. */
export interface MemberFields {
  readonly weight: number;
  /** The number of partitions that its application works with. */
  readonly partitions: number;
  readonly priority: number;
  /** True: members of lower priority have no share beside it. */
  readonly excludesLower: boolean;
}

export type GroupMember = Member & MemberFields;

/** Undefined for what is no member, whatever the data is. */
export function parseMember({
  data,
  stat,
}: NodeContent): GroupMember | undefined {
  const { weight, partitions, priority, excludesLower } = parseObject(data);
  return isOwnedBySession(stat) &&
    typeof weight === 'number' &&
    weight >= 0 &&
    weight < Infinity &&
    isCount(partitions)
    ? {
        id: stat.ephemeralOwner,
        weight,
        partitions,
        priority: Number.isFinite(priority) ? (priority as number) : 0,
        excludesLower: excludesLower === true,
      }
    : undefined;
}

/** The members with the weights that count: 0 for those that are excluded. */
export function withEffectiveWeights(
  members: readonly GroupMember[],
): GroupMember[] {
  const least = Math.max(
    ...members
      .filter(({ excludesLower }) => excludesLower)
      .map(({ priority }) => priority),
  );
  return members.map((member) =>
    member.priority < least ? { ...member, weight: 0 } : member,
  );
}

/** The data of the node `owners`. */
export function serializeGeneration(partitions: number): string {
  return JSON.stringify({ partitions });
}

/** 0 for what is no generation, whatever the data is. */
export function parseGeneration(data: string): number {
  const { partitions } = parseObject(data);
  return isCount(partitions) ? partitions : 0;
}

export function serializeAssignment(assignment: Assignment): string {
  const { round, owners, moved } = assignment;
  const members = [...new Set(owners)].filter((each) => each !== undefined);
  const indexes = new Map(members.map((member, index) => [member, index]));
  return JSON.stringify({
    version: 1,
    round,
    members,
    owners: owners.map((owner) => indexes.get(owner ?? '') ?? -1),
    moved,
  });
}

/** Undefined for what is no assignment, whatever the data is. */
export function parseAssignment(data: string): Assignment | undefined {
  const value = parseJson(data);
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  const { version, round, members, owners, moved } = value as Record<
    string,
    unknown
  >;
  if (
    version !== 1 ||
    !isWhole(round) ||
    !Array.isArray(members) ||
    !members.every((member) => typeof member === 'string') ||
    !Array.isArray(owners) ||
    !isCount(owners.length) ||
    !owners.every((owner) => owner === -1 || isWhole(owner)) ||
    !Array.isArray(moved) ||
    moved.length !== owners.length ||
    !moved.every(isWhole)
  ) {
    return undefined;
  }
  return {
    round,
    owners: owners.map((owner) => members[owner as number] as string),
    moved,
  };
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCount(value: unknown): value is number {
  return isWhole(value) && value >= 1 && value <= MOST_PARTITIONS;
}
