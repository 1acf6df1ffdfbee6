import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';
import { isOwnedBySession } from '../election/election-node.js';
import { nameIn, parseObject } from '../untrusted-data.js';
import { MOST_APPLICATIONS } from './applications.js';
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

export interface GroupMember extends Member, MemberFields {
  readonly weight: number;
  /** Undefined where its entry does not say. */
  readonly application?: string | undefined;
}

/** Who should own which partition. */
export interface PartitionAssignment extends Assignment {
  /** The applications that share the partitions, if there are several. */
  readonly applications?: readonly string[] | undefined;
}

/** Who should lead which election. */
export interface ElectionAssignment extends Assignment {
  /** The names of their nodes, in the order of {@link owners}. */
  readonly elections: readonly string[];
}

/** A member with its weight; undefined for what is none, whatever the data is. */
export function parseWeight({ data, stat }: NodeContent): Member | undefined {
  const { weight } = parseObject(data);
  return isOwnedBySession(stat) &&
    typeof weight === 'number' &&
    weight >= 0 &&
    weight < Infinity
    ? { id: stat.ephemeralOwner, weight }
    : undefined;
}

/** Undefined for what is no member, whatever the data is. */
export function parseMember(entry: NodeContent): GroupMember | undefined {
  const member = parseWeight(entry);
  const { partitions, priority, excludesLower, application } = parseObject(
    entry.data,
  );
  return member && isCount(partitions)
    ? {
        ...member,
        partitions,
        priority: Number.isFinite(priority) ? (priority as number) : 0,
        excludesLower: excludesLower === true,
        application: nameIn(application),
      }
    : undefined;
}

/** Those that share this number of partitions, with the weights that count. */
export function sharersOf(
  members: readonly GroupMember[],
  partitions: number,
): GroupMember[] {
  return withEffectiveWeights(
    members.filter((each) => each.partitions === partitions && each.weight > 0),
  );
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
  const { owners, moved, ...rest } = assignment;
  const members = [...new Set(owners)].filter((each) => each !== undefined);
  const indexes = new Map(members.map((member, index) => [member, index]));
  return JSON.stringify({
    version: 1,
    ...rest,
    members,
    owners: owners.map((owner) => indexes.get(owner ?? '') ?? -1),
    moved,
  });
}

/** Undefined for what is no assignment, whatever the data is. */
export function parseAssignment(data: string): PartitionAssignment | undefined {
  const fields = parseFields(data);
  const assignment = readAssignment(fields);
  const { applications } = fields;
  return assignment && areTexts(applications)
    ? {
        ...assignment,
        applications: applications
          .slice(0, MOST_APPLICATIONS)
          .flatMap((name) => nameIn(name) ?? []),
      }
    : assignment;
}

/** Undefined for what is no assignment of elections, whatever the data is. */
export function parseElectionAssignment(
  data: string,
): ElectionAssignment | undefined {
  const fields = parseFields(data);
  const assignment = readAssignment(fields);
  const { elections } = fields;
  return assignment &&
    areTexts(elections) &&
    elections.length === assignment.owners.length
    ? { ...assignment, elections }
    : undefined;
}

function readAssignment(
  fields: Record<string, unknown>,
): Assignment | undefined {
  const { version, round, members, owners, moved } = fields;
  if (
    version !== 1 ||
    !isWhole(round) ||
    !areTexts(members) ||
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
    owners: owners.map((owner) => members[owner as number]),
    moved,
  };
}

function parseFields(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

function areTexts(value: unknown): value is string[] {
  return (
    Array.isArray(value) && value.every((each) => typeof each === 'string')
  );
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCount(value: unknown): value is number {
  return isWhole(value) && value >= 1 && value <= MOST_PARTITIONS;
}
