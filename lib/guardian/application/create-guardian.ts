import { takeRunAddress } from '../run-address.js';
import {
  GuardianProcess,
  type GuardianProcessOptions,
} from './guardian-process.js';

/** The option `guardian` of the module. */
export type GuardianOption = false | { readonly socket: string } | undefined;

/**
 * The guardian that the option `guardian` asks for; undefined with `false`.
 * Nothing starts before its `start()` is called.
 *
 * @example
 * ```ts
 * const guardian = createGuardian({ guardian, maxStallMs, onNotice });
 * void guardian?.start();
 * ```
 */
export function createGuardian({
  guardian,
  ...options
}: Omit<GuardianProcessOptions, 'socket'> & {
  readonly guardian: GuardianOption;
}): GuardianProcess | undefined {
  if (guardian === false) {
    options.onNotice({
      level: 'warn',
      text:
        'The option guardian is false. When this process crashes, the next ' +
        'instance leads after the session timeout. A longer stall ends the session.',
    });
    return undefined;
  }
  const run = takeRunAddress();
  return new GuardianProcess({
    ...options,
    socket: guardian
      ? { kind: 'sidecar', address: guardian.socket }
      : run && { kind: 'run', ...run },
  });
}
