import type { ModulesContainer } from '@nestjs/core';
import { electionOfToken } from './inject-leader-election.decorator.js';
import type { LeaderElections } from '../election/leader-elections.js';

type Wrapper =
  NonNullable<ReturnType<ModulesContainer['get']>>['providers'] extends Map<
    unknown,
    infer Value
  >
    ? Value
    : never;

/**
 * Finds the elections that an application has injected.
 *
 * @throws {TypeError} for an unknown election
 */
export function exploreElections(
  modules: ModulesContainer,
  elections: LeaderElections,
): void {
  for (const { providers, controllers, injectables } of modules.values()) {
    for (const wrapper of [
      ...providers.values(),
      ...controllers.values(),
      ...injectables.values(),
    ]) {
      for (const name of electionsInjectedInto(wrapper)) {
        const owner = String(wrapper.name);
        elections.find(name, `@InjectLeaderElection() of ${owner}`);
      }
    }
  }
}

function electionsInjectedInto(wrapper: Wrapper): string[] {
  const dependencies = [
    ...(wrapper.getCtorMetadata() ?? []),
    ...(wrapper.getPropertiesMetadata() ?? []).map((each) => each.wrapper),
  ];
  return dependencies.flatMap(
    // Sparse for a dependency that is optional and not there.
    (dependency) => electionOfToken(dependency?.token) ?? [],
  );
}
