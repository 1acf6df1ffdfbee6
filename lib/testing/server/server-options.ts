import { OptionChecks, type OptionTable } from '../../validate.js';
import { RELEASES, type TestingRelease } from './release.js';
import type { TestingServerOptions } from './testing-server.types.js';

export type ResolvedServerOptions = Required<TestingServerOptions>;

const OPTIONS: OptionTable<ResolvedServerOptions> = {
  port: true,
  tickTimeMs: true,
  minSessionTimeoutMs: true,
  maxSessionTimeoutMs: true,
  containerCheckMs: true,
  juteMaxBuffer: true,
  release: true,
  log: true,
};

/** What a real server has, and this one has not. */
const MISSING: Record<string, string> = {
  dataDir: 'it keeps nothing on disk',
  snapshotDir: 'it keeps nothing on disk',
  servers: 'it has no quorum: it is one server',
  quorum: 'it has no quorum: it is one server',
  quota: 'it has no quotas',
  reconfig: 'it has no reconfiguration',
  tls: 'it has no TLS',
  sasl: 'it has no SASL',
};

const LAST_PORT = 65_535;
const MINUTE_MS = 60_000;

/** @throws {TypeError} that names the option and says what it can be */
export function resolveServerOptions(
  options: TestingServerOptions,
): ResolvedServerOptions {
  for (const [name, why] of Object.entries(MISSING)) {
    if (Object.hasOwn(options, name)) {
      throw new TypeError(
        `TestingServer: there is no option ${name}: ${why}. Use a real ZooKeeper for that.`,
      );
    }
  }
  const checks = new OptionChecks('TestingServer');
  const given = checks.object<TestingServerOptions>(options, OPTIONS);
  const ms = (
    name:
      | 'tickTimeMs'
      | 'minSessionTimeoutMs'
      | 'maxSessionTimeoutMs'
      | 'containerCheckMs',
    least: number,
    fallback: number,
  ): number => checks.milliseconds(name, given[name], { least, fallback });
  const tickTimeMs = ms('tickTimeMs', 1, 100);
  const minSessionTimeoutMs = ms('minSessionTimeoutMs', 1, 2 * tickTimeMs);
  return {
    tickTimeMs,
    minSessionTimeoutMs,
    maxSessionTimeoutMs: ms(
      'maxSessionTimeoutMs',
      minSessionTimeoutMs,
      Math.max(MINUTE_MS, minSessionTimeoutMs),
    ),
    containerCheckMs: ms('containerCheckMs', 1, MINUTE_MS),
    port: checks.wholeNumber('port', given.port, {
      least: 0,
      most: LAST_PORT,
      fallback: 0,
    }),
    juteMaxBuffer: checks.wholeNumber('juteMaxBuffer', given.juteMaxBuffer, {
      least: 1,
      fallback: 1_048_575,
    }),
    release: checks.oneOf<TestingRelease>(
      'release',
      given.release,
      Object.keys(RELEASES) as TestingRelease[],
      '3.9',
    ),
    log: checks.flag('log', given.log, true),
  };
}
