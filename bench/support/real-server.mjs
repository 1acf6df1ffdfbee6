// @ts-check
/**
 * A server that keeps its promises: on disk, with every write forced to it, and
 * compiled by the second compiler.
 */
export const REAL_SERVER = {
  maxSessionTimeoutMs: 120_000,
  jvmArgs: [
    '-Xmx1g',
    '-XX:TieredStopAtLevel=4',
    '-Dzookeeper.forceSync=yes',
    '-Dzookeeper.preAllocSize=65536',
  ],
};
