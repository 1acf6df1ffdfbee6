import { sharedRegistry } from '../shared-registry.js';

/** By this variable `run` tells those below it where it is. */
export const RUN_VARIABLE = 'NESTJS_ZOOKEEPER_LEADER_RUN';

/** Where the guardian of `run` is, and what it demands. */
export interface RunAddress {
  readonly address: string;
  readonly token: string;
}

export function formatRunAddress({ token, address }: RunAddress): string {
  return `${token} ${address}`;
}

/**
 * The guardian that this process runs below, if any. Clears the variable: what
 * this process starts is not of its kind. The other applications in this process
 * get the same answer.
 */
export function takeRunAddress(): RunAddress | undefined {
  const value = process.env[RUN_VARIABLE];
  delete process.env[RUN_VARIABLE];
  const kept = sharedRegistry<{ run?: RunAddress }>('run-address', () => ({}));
  const [, token, address] = /^(\S+) (.+)$/.exec(value ?? '') ?? [];
  if (token !== undefined && address !== undefined) {
    kept.run = { token, address };
  }
  return kept.run;
}
