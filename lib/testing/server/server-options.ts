import { RELEASES, type TestingRelease } from './release.js';
import type { TestingServerOptions } from './testing-server.types.js';

export type ResolvedServerOptions = Required<TestingServerOptions>;

const DEFAULT_TICK_TIME_MS = 100;
const LAST_PORT = 65_535;

const DEFAULTS: ResolvedServerOptions = {
  port: 0,
  tickTimeMs: DEFAULT_TICK_TIME_MS,
  minSessionTimeoutMs: 2 * DEFAULT_TICK_TIME_MS,
  maxSessionTimeoutMs: 60_000,
  containerCheckMs: 60_000,
  juteMaxBuffer: 1_048_575,
  release: '3.9',
  log: true,
};

/** @throws {TypeError} that names the option and says what it can be */
export function resolveServerOptions(
  options: TestingServerOptions,
): ResolvedServerOptions {
  for (const name of Object.keys(options)) {
    if (!(name in DEFAULTS)) {
      throw new TypeError(
        `TestingServer: there is no option "${name}". It is one server, in memory: ` +
          `it has no files, no quorum, no quotas and no reconfiguration. Its options are ${Object.keys(DEFAULTS).join(', ')}.`,
      );
    }
  }
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  const tickTimeMs = options.tickTimeMs ?? DEFAULT_TICK_TIME_MS;
  const resolved: ResolvedServerOptions = {
    ...DEFAULTS,
    minSessionTimeoutMs: 2 * tickTimeMs,
    ...given,
  };
  checkWhole(resolved, 'port', 0, LAST_PORT);
  checkWhole(resolved, 'tickTimeMs', 1);
  checkWhole(resolved, 'minSessionTimeoutMs', 1);
  checkWhole(resolved, 'maxSessionTimeoutMs', resolved.minSessionTimeoutMs);
  checkWhole(resolved, 'containerCheckMs', 1);
  checkWhole(resolved, 'juteMaxBuffer', 1);
  if (!Object.hasOwn(RELEASES, resolved.release)) {
    const names = Object.keys(RELEASES) as TestingRelease[];
    throw new TypeError(
      `TestingServer: release is ${JSON.stringify(resolved.release)}, but has to be one of '${names.join("', '")}'.`,
    );
  }
  return resolved;
}

function checkWhole(
  options: ResolvedServerOptions,
  name: Exclude<keyof ResolvedServerOptions, 'release' | 'log'>,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  const value = options[name];
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const range =
      most === Number.MAX_SAFE_INTEGER
        ? `of at least ${least}`
        : `from ${least} to ${most}`;
    throw new TypeError(
      `TestingServer: ${name} is ${String(value)}, but has to be a whole number ${range}.`,
    );
  }
}
