/** One period in which an instance said that it leads. */
export interface LeadershipInterval {
  instance: string;
  election: string;
  /** process.hrtime.bigint(): one clock for all processes of a machine. */
  fromNs: bigint;
  /** Undefined while it still leads. */
  untilNs?: bigint;
  fencingToken: bigint | number;
  /** Tokens are compared within an era: one life of ZooKeeper's data. Default 0. */
  era?: number;
}

/**
 * For so long an instance may believe that it leads while another one does,
 * because something was done to it that docs/safety.md does not cover.
 */
export interface LeadershipExemption {
  instance: string;
  election: string;
  fromNs: bigint;
  untilNs: bigint;
}

/**
 * Proves from what the instances recorded that an election kept its promise: never
 * two leaders at a time, and fencing tokens that tell later leaders from earlier.
 */
export class LeadershipChecker {
  readonly intervals: LeadershipInterval[] = [];
  readonly exemptions: LeadershipExemption[] = [];

  add(...intervals: LeadershipInterval[]): void {
    this.intervals.push(...intervals);
  }

  /** Begins an interval. */
  gained(interval: Omit<LeadershipInterval, 'untilNs'>): void {
    this.add({ ...interval });
  }

  /** Ends the interval that the instance began last; nothing if it has none. */
  lost(instance: string, election: string, atNs: bigint): void {
    const open = this.intervals.findLast(
      (each) =>
        each.instance === instance &&
        each.election === election &&
        each.untilNs === undefined,
    );
    if (open) {
      open.untilNs = atNs;
    }
  }

  /** The intervals of an election, in the order in which they began. */
  of(election: string): LeadershipInterval[] {
    return this.intervals
      .filter((interval) => interval.election === election)
      .toSorted((a, b) => compare(a.fromNs, b.fromNs));
  }

  /** How often an election's leader was another one than before. */
  leaderChanges(election: string): number {
    const leaders = this.of(election).map(({ instance }) => instance);
    return leaders.filter((leader, i) => i > 0 && leader !== leaders[i - 1])
      .length;
  }

  /** What went wrong, in words; empty if nothing did. */
  violations(): string[] {
    const elections = new Set(this.intervals.map(({ election }) => election));
    return [...elections].flatMap((election) => {
      const intervals = this.of(election);
      const eras = new Set(intervals.map(({ era }) => era));
      const fenced = intervals.filter(
        (interval) => !this.exemptions.some((each) => contains(each, interval)),
      );
      return [
        ...overlaps(intervals, this.exemptions),
        ...[...eras].flatMap((era) =>
          unfencedTerms(fenced.filter((each) => each.era === era)),
        ),
      ];
    });
  }

  /** Throws all violations in one error. */
  assertNoViolations(): void {
    const violations = this.violations();
    if (violations.length > 0) {
      throw new Error(
        `${violations.length} violations in ${this.intervals.length} intervals of leadership:\n${violations.join('\n')}`,
      );
    }
  }
}

function overlaps(
  intervals: LeadershipInterval[],
  exemptions: LeadershipExemption[],
): string[] {
  const origin = intervals[0]?.fromNs ?? 0n;
  const violations: string[] = [];
  let leading: LeadershipInterval[] = [];
  for (const later of intervals) {
    if (later.untilNs !== undefined && later.untilNs < later.fromNs) {
      violations.push(`${describe(later, origin)}: ends before it begins`);
    }
    leading = leading.filter(
      ({ untilNs }) => untilNs === undefined || untilNs > later.fromNs,
    );
    for (const earlier of leading) {
      if (!exemptions.some((each) => excuses(each, earlier, later))) {
        violations.push(
          `${describe(later, origin)}: overlaps with ${describe(earlier, origin)}`,
        );
      }
    }
    leading.push(later);
  }
  return violations;
}

/** Whether all of an interval is exempted. */
function contains(
  { instance, election, fromNs, untilNs }: LeadershipExemption,
  interval: LeadershipInterval,
): boolean {
  return (
    instance === interval.instance &&
    election === interval.election &&
    fromNs <= interval.fromNs &&
    interval.untilNs !== undefined &&
    untilNs >= interval.untilNs
  );
}

/** Whether all of the time for which two lead is within the exemption of one. */
function excuses(
  { instance, election, fromNs, untilNs }: LeadershipExemption,
  earlier: LeadershipInterval,
  later: LeadershipInterval,
): boolean {
  const ends = [earlier.untilNs, later.untilNs].filter(
    (each) => each !== undefined,
  );
  return (
    election === later.election &&
    [earlier.instance, later.instance].includes(instance) &&
    later.fromNs >= fromNs &&
    ends.some((end) => end <= untilNs)
  );
}

/** A token may stay with its instance, but never go back or to another. */
function unfencedTerms(intervals: LeadershipInterval[]): string[] {
  const origin = intervals[0]?.fromNs ?? 0n;
  const violations: string[] = [];
  let highest = intervals[0];
  for (const interval of intervals.slice(1)) {
    if (!highest || interval.fencingToken > highest.fencingToken) {
      highest = interval;
    } else if (
      interval.fencingToken < highest.fencingToken ||
      interval.instance !== highest.instance
    ) {
      violations.push(
        `${describe(interval, origin)}: its token is not greater than that of ${describe(highest, origin)}`,
      );
    }
  }
  return violations;
}

function describe(interval: LeadershipInterval, origin: bigint): string {
  const { election, instance, fromNs, untilNs, fencingToken } = interval;
  const until = untilNs === undefined ? 'now' : milliseconds(untilNs - origin);
  return `${election}: ${instance} [${milliseconds(fromNs - origin)} to ${until}, token ${fencingToken}]`;
}

function milliseconds(ns: bigint): string {
  return `${(Number(ns) / 1e6).toFixed(3)} ms`;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b);
}
