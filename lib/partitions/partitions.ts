import { auditTime } from 'rxjs';
import { LibraryLogger } from '../library-logger.js';
import type { Companion, CompanionParts } from '../election/companions.js';
import type { LeaderElections } from '../election/leader-elections.js';
import { OptionChecks } from '../validate.js';
import type { ResolvedOptions } from '../zookeeper-leader.options.js';
import { severalApplicationsMessage } from './applications.js';
import { MOST_PARTITIONS } from './group-nodes.js';
import { LocalGroup } from './local-group.js';
import { PartitionGroup } from './partition-group.js';
import {
  PartitionSet,
  type OwnedPartition,
  type PartitionHolder,
} from './partition-set.js';

/** What the share of an instance depends on. */
type ShareOptions = Pick<
  ResolvedOptions,
  'weight' | 'priority' | 'partitionOwners'
>;

/** Moves that belong together are one log line. */
const LOG_AFTER_MS = 100;

/**
 * Partitions: work that the instances of an application share. Each partition has
 * at most one owner at any time, and the instances own as many as their weights
 * say.
 *
 * For tasks, use the option `partitions` of {@link OnlyLeader}. This service is for
 * consumers that hold something per partition, as a connection.
 *
 * @example
 * ```ts
 * constructor(private readonly partitions: Partitions) {}
 *
 * onApplicationBootstrap(): void {
 *   this.partitions.of('mailboxes', 12).owned$.subscribe((owned) => {
 *     this.consumers.follow(owned);
 *   });
 * }
 * ```
 *
 * @publicApi
 */
export class Partitions {
  readonly #elections: LeaderElections;
  readonly #options: ShareOptions;
  readonly #sets = new Map<string, PartitionSet>();
  readonly #listeners: ((set: PartitionSet) => void)[] = [];
  readonly #logger = new LibraryLogger();

  /** @internal */
  constructor(elections: LeaderElections, options: ShareOptions) {
    this.#elections = elections;
    this.#options = options;
  }

  /**
   * The partitions of that name. The first call has this instance take its share,
   * at once or when the application has started; further ones return the same.
   *
   * Instances with another number of partitions are of another generation: they
   * own nothing as long as instances of the former one do.
   *
   * @param name 1 to 200 characters
   * @param partitions 1 to 10,000
   * @throws {TypeError} for a name or a number that is not valid, and for another
   * number than before
   */
  of(name: string, partitions: number): PartitionSet {
    const known = this.#sets.get(name);
    if (known) {
      if (known.partitions !== partitions) {
        throw new TypeError(
          `The partitions "${name}" are ${known.partitions} in this application ` +
            `already, not ${partitions}. Use one number, or another name.`,
        );
      }
      return known;
    }
    const checks = new OptionChecks('Partitions.of()');
    checks.name('name', name);
    checks.wholeNumber('partitions', partitions ?? NaN, {
      least: 1,
      most: MOST_PARTITIONS,
      fallback: 1,
    });
    const group = this.#elections.accompany((parts) =>
      this.#make(name, partitions, parts),
    );
    const set = new PartitionSet(name, group);
    this.#sets.set(name, set);
    this.#log(set);
    this.#listeners.forEach((listener) => listener(set));
    return set;
  }

  /**
   * All that have been made.
   *
   * @internal
   */
  get all(): readonly PartitionSet[] {
    return [...this.#sets.values()];
  }

  /**
   * Calls `listener` with every set, now and when it is made.
   *
   * @internal
   */
  follow(listener: (set: PartitionSet) => void): void {
    this.#listeners.push(listener);
    this.all.forEach(listener);
  }

  #make(
    name: string,
    partitions: number,
    parts: CompanionParts,
  ): Companion & PartitionHolder {
    const { session } = parts;
    if (!session) {
      return new LocalGroup(name, partitions, parts);
    }
    const { weight, priority, partitionOwners } = this.#options;
    return new PartitionGroup({
      name,
      partitions,
      weight,
      priority,
      excludesLower: partitionOwners === 'highest-priority',
      parts,
      session,
      onOtherGeneration: (other) =>
        this.#logger.warn(
          `${this.#elections.instanceId} owns none of the ${partitions} partitions ` +
            `of "${name}": other instances share them out as ${other}. It owns its ` +
            'share when the last of them has stopped',
        ),
      onSeveralApplications: (applications) => {
        if (applications) {
          this.#logger.warn(severalApplicationsMessage(name, applications));
        } else {
          this.#logger.log(
            `Only one application shares the partitions "${name}" now`,
          );
        }
      },
    });
  }

  #log({ name, partitions, owned$ }: PartitionSet): void {
    let former: readonly OwnedPartition[] = [];
    owned$.pipe(auditTime(LOG_AFTER_MS)).subscribe((owned) => {
      if (owned.length > 0 || former.length > 0) {
        const owns = numbers(owned);
        this.#logger.log(
          `${this.#elections.instanceId} owns ${owned.length} of the ` +
            `${partitions} partitions of "${name}"${owns}`,
        );
      }
      former = owned;
    });
  }
}

const MOST_NAMED = 20;

function numbers(owned: readonly OwnedPartition[]): string {
  const named = owned.slice(0, MOST_NAMED).map(({ partition }) => partition);
  const rest = owned.length > MOST_NAMED ? ', …' : '';
  return named.length === 0 ? '' : `: ${named.join(', ')}${rest}`;
}
