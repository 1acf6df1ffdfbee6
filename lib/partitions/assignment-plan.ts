import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';
import type { Assignment, Member } from './assignment.js';

/** What a {@link Coordinator} assigns, and how. */
export interface AssignmentPlan<M extends Member, A extends Assignment> {
  /** Undefined for what is no member, whatever its entry says. */
  parseMember(entry: NodeContent): M | undefined;
  /** Undefined for what is no assignment, whatever the data is. */
  parse(data: string): A | undefined;
  serialize(assignment: A): string;
  /**
   * The assignment that there should be; `known` itself, if that is right.
   * Undefined: nothing can be assigned now.
   *
   * @param members those that have a share, the oldest first
   */
  next(members: readonly M[], known: A | undefined): Promise<A | undefined>;
  /** Ends all watches. */
  forget(): void;
}
