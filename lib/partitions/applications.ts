import type { GroupMember } from './group-nodes.js';

/** Names of applications that an assignment lists; one that lists more is long. */
export const MOST_APPLICATIONS = 5;

/** The applications of these members, if there are several; sorted. */
export function applicationsOf(
  members: readonly Pick<GroupMember, 'application' | 'weight'>[],
): readonly string[] | undefined {
  const names = members.flatMap(({ application, weight }) =>
    application !== undefined && weight > 0 ? [application] : [],
  );
  const distinct = [...new Set(names)].toSorted();
  return distinct.length > 1 ? distinct.slice(0, MOST_APPLICATIONS) : undefined;
}

/** Whether two answers of {@link applicationsOf} are the same. */
export function areSameApplications(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What is wrong and what to do, in sentences. */
export function severalApplicationsMessage(
  group: string,
  applications: readonly string[],
): string {
  const names = applications.map((name) => `"${name}"`).join(', ');
  return (
    `Several applications share the partitions "${group}": ${names}. Each ` +
    'partition has one owner, and only the application of the owner works on it. ' +
    'Give each application a basePath of its own; if they are one, give them the ' +
    'same option application.'
  );
}
