import { format } from 'prettier';
import { describeGrowth } from './checks/usage.js';
import { FAULTS, type FaultKind } from './faults/index.js';
import type { RunResult } from './result.js';
import { LEASE_SHARE, TICK_TIME_MS } from './settings.js';
import { median, worst } from './statistics.js';

/** What runs came to, as docs/reliability.md tells it. */
export function markdownReport(results: readonly RunResult[]): Promise<string> {
  const sum = (of: (result: RunResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const violations = sum((result) => result.violations.length);
  const sections = [
    `${Math.floor(sum(({ minutes }) => minutes))} minutes, ${results.length} seeds, ` +
      `${number(sum(({ steps }) => steps))} steps of faults, ` +
      `${number(sum(({ leaderChanges }) => leaderChanges))} leader changes, ` +
      `${number(sum(({ moves }) => moves))} moves of partitions, ` +
      `${number(sum(({ runs }) => runs))} task runs, ` +
      `${number(sum(({ writes }) => writes.accepted))} fenced writes, ` +
      `**${violations} violations**.`,
    conditions(results),
    seedTable(results),
    ...results.flatMap(usageLines),
    ...results.flatMap(list('Violations', (result) => result.violations)),
    ...results.flatMap(
      list('What ZooKeeper did wrong', (result) => result.zookeeperFailures),
    ),
    '### Time without a leader',
    kindTable(results),
  ];
  return format(sections.join('\n\n'), { parser: 'markdown' });
}

function conditions(results: readonly RunResult[]): string {
  const distinct = (of: (result: RunResult) => string): string =>
    [...new Set(results.map(of))].join(' and ');
  return (
    `ZooKeeper ${distinct(({ machine }) => machine.zookeeper)}, ` +
    `Node.js ${distinct(({ machine }) => machine.node)}, ` +
    `${distinct(({ machine }) => String(machine.cores))} cores, ` +
    `${distinct(({ instances }) => String(instances))} instances a run, session timeout ` +
    `${distinct(({ sessionTimeoutMs }) => `${number(sessionTimeoutMs)} ms (lease ${number(sessionTimeoutMs * LEASE_SHARE)} ms)`)}, ` +
    `\`tickTime\` ${TICK_TIME_MS} ms.`
  );
}

function seedTable(results: readonly RunResult[]): string {
  return table(
    [
      'seed',
      'security',
      'minutes',
      'faults',
      'leader changes',
      'moves of partitions',
      'task runs',
      'fenced writes: accepted / refused',
      'API calls settled',
      'load',
      'violations',
    ],
    results.map(({ machine, writes, ...result }) => [
      result.isMixedFleet ? `${result.seed}, two versions` : result.seed,
      result.security,
      result.minutes.toFixed(1),
      number(result.steps),
      number(result.leaderChanges),
      number(result.moves),
      number(result.runs),
      `${number(writes.accepted)} / ${number(writes.refused)}`,
      number(result.calls),
      machine.load.toFixed(1),
      number(result.violations.length),
    ]),
  );
}

/** Only of what has lived long enough for its memory to tell something. */
function usageLines({ seed, usage }: RunResult): string[] {
  const longLived = new Set(
    usage
      .filter(({ of }) => of === 'heap' || of === 'resident memory')
      .map(({ process }) => process),
  );
  const lines = usage
    .filter(({ process }) => longLived.has(process))
    .map((each) => `- ${describeGrowth(each)}`);
  return lines.length > 0
    ? [`What lived for long, seed ${seed}:`, lines.join('\n')]
    : [];
}

function list(
  title: string,
  of: (result: RunResult) => readonly string[],
): (result: RunResult) => string[] {
  return (result) =>
    of(result).length > 0
      ? [
          `${title}, seed ${result.seed}:`,
          of(result)
            .map((each) => `- ${each}`)
            .join('\n'),
        ]
      : [];
}

function kindTable(results: readonly RunResult[]): string {
  const rowOf = (
    kind: string,
    what: string,
    lowerBound: string,
  ): string[][] => {
    const found = results.flatMap(({ kinds }) => kinds[kind] ?? []);
    const steps = found.reduce((sum, each) => sum + each.steps, 0);
    const gapsMs = found.flatMap((each) => each.gapsMs);
    const balancesMs = found.flatMap((each) => each.balancesMs);
    const ensembleGapsMs = found.flatMap((each) => each.ensembleGapsMs);
    return steps === 0
      ? []
      : [
          [
            kind === 'combined' ? kind : `\`${kind}\``,
            what,
            number(steps),
            number(gapsMs.length),
            number(median(gapsMs)),
            number(worst(gapsMs)),
            number(worst(balancesMs)),
            number(worst(ensembleGapsMs)),
            lowerBound,
          ],
        ];
  };
  return table(
    [
      'kind',
      'what',
      'times',
      'without a leader: times',
      'median ms',
      'worst ms',
      'until balance, worst ms',
      'ensemble down, worst ms',
      'lower bound, where it hits the leader',
    ],
    [
      ...(Object.keys(FAULTS) as FaultKind[]).flatMap((kind) =>
        rowOf(kind, FAULTS[kind].what, FAULTS[kind].lowerBound),
      ),
      ...rowOf('combined', 'two of them at once', 'that of either'),
    ],
  );
}

function table(head: readonly string[], rows: readonly string[][]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function number(value: number): string {
  return Number.isFinite(value)
    ? Math.round(value).toLocaleString('en-US')
    : '–';
}
