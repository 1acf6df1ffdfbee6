// @ts-check
/** What is measured: metrics, each with its variants, which are parameters of the programs. */

/**
 * @typedef {object} Plan
 * @property {number} rounds
 * @property {Record<string, string[][]>} everyRound
 * @property {Record<string, string[][]>} [once] in the first round only
 */

const GROWTH = {
  participants: [['k=2,10,100,1000', 'n=5']],
  many: [1, 10, 100].map((m) => [`m=${m}`, 'n=1']),
  many_large: [['m=10000', 'n=1']],
  storm: [['k=10,100,1000,2000', 'timeout=4000']],
  ledger_load: [['k=1,10,100,1000', 'seconds=5']],
};

/** About three minutes. @type {Plan} */
export const QUICK = {
  rounds: 1,
  everyRound: {
    acquire: [['n=100', 'warm=100']],
    acquire_new_path: [['n=50', 'warm=100']],
    connect_acquire: [['n=10', 'warm=50']],
    first_leadership: [['n=3']],
    handover: [['k=2,10', 'n=30', 'warm=20']],
    handover_requests: [['k=2,10', 'n=5']],
    crash_failover: [['n=3', 'timeout=2000']],
    crash_failover_tls: [['n=3', 'timeout=2000']],
    many: [['n=1']],
    many_memory: [['n=1']],
    idle: [['seconds=12']],
    event_loop: [['seconds=1']],
    footprint: [['n=3']],
    guard: [['n=1000']],
    participants: [['k=2,100', 'n=3']],
    storm: [['k=10,100', 'timeout=2000']],
    ledger_load: [['k=1,100', 'seconds=3']],
  },
};

/** For the pictures and tables of docs/performance.md: about a quarter of an hour. @type {Plan} */
export const PUBLISH = {
  rounds: 3,
  everyRound: {
    acquire: [['n=100', 'warm=150']],
    acquire_new_path: [['n=50', 'warm=100']],
    connect_acquire: [['n=10', 'warm=50']],
    first_leadership: [['n=4']],
    handover: [['k=2,10', 'n=40', 'warm=30']],
    many: [['n=1']],
    footprint: [['n=4']],
    guard: [['n=1000']],
    event_loop: [['seconds=2']],
  },
  once: {
    handover: [['k=100', 'n=20', 'warm=10']],
    handover_requests: [['k=2,10', 'n=10']],
    crash_failover: [
      ['n=5', 'timeout=2000'],
      ['n=3', 'timeout=10000'],
    ],
    crash_failover_tls: [['n=5', 'timeout=10000']],
    many_memory: [['n=3']],
    idle: [['seconds=30']],
    ledger_claim: [['n=50', 'warm=50']],
    ...GROWTH,
  },
};

/** About three quarters of an hour. @type {Plan} */
export const FULL = {
  rounds: 3,
  everyRound: {
    acquire: [[]],
    acquire_new_path: [[]],
    connect_acquire: [['n=30', 'warm=100']],
    first_leadership: [['n=10']],
    request: [[]],
    handover: [['k=2,10'], ['k=100', 'n=50', 'warm=10']],
    handover_requests: [['k=2,10,100', 'n=20']],
    crash_failover: [
      ['n=10', 'timeout=2000'],
      ['n=5', 'timeout=10000'],
      ['n=2', 'timeout=40000'],
    ],
    crash_failover_both: [['n=5', 'timeout=2000']],
    crash_failover_tls: [
      ['n=10', 'timeout=2000'],
      ['n=5', 'timeout=40000'],
    ],
    many: [['idle=10000']],
    many_memory: [['n=5']],
    idle: [['seconds=60']],
    event_loop: [[]],
    footprint: [[]],
    guard: [[]],
    ledger_claim: [[]],
  },
  once: GROWTH,
};

/**
 * What is measured in a round: the metrics that are asked for, each with its
 * variants.
 *
 * @param {Plan} plan
 * @param {number} round
 * @param {readonly string[] | undefined} metrics all, if undefined
 * @returns {[metric: string, parameters: string[]][]}
 */
export function stepsOf({ everyRound, once = {} }, round, metrics) {
  const parts = round === 1 ? [everyRound, once] : [everyRound];
  return parts
    .flatMap((part) => Object.entries(part))
    .filter(([metric]) => metrics?.includes(metric) ?? true)
    .flatMap(([metric, variants]) =>
      variants.map(
        (parameters) =>
          /** @type {[string, string[]]} */ ([metric, parameters]),
      ),
    );
}
