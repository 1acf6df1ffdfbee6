import { Inject, Injectable } from '@nestjs/common';
import {
  HealthIndicatorService,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import {
  DEFAULT_MAX_DISCONNECTED_MS,
  instanceProblems,
} from '../instance-problems.js';
import { KnownLeader } from '../election/known-leader.js';
import { LeaderElections } from '../election/leader-elections.js';
import type { ManagedElection } from '../election/managed-election.js';
import { Partitions } from '../partitions/partitions.js';
import { OptionChecks, type OptionTable } from '../validate.js';
import { ConnectionRecord } from '../session/connection-record.js';
import type {
  ElectionHealth,
  ZookeeperLeaderHealth,
} from './zookeeper-leader-health.interface.js';

/**
 * Options of {@link ZookeeperLeaderHealthIndicator.isHealthy}.
 *
 * @publicApi
 */
export interface ZookeeperLeaderHealthOptions {
  /**
   * Milliseconds for which the instance may be without a connection to
   * ZooKeeper and still be healthy. Default 60,000.
   */
  readonly maxDisconnectedMs?: number;
}

const checks = new OptionChecks('ZookeeperLeaderHealthIndicator');

const OPTIONS: OptionTable<ZookeeperLeaderHealthOptions> = {
  maxDisconnectedMs: true,
};

/**
 * Health indicator for `@nestjs/terminus` 11 and 12. A follower is up, and so is
 * a leader whose lease holds. Down is an instance
 * - that has been without a connection for longer than `maxDisconnectedMs`,
 * - whose credentials or login ZooKeeper has refused, or whose TLS does not work,
 * - that calls itself a leader although its lease has run out,
 * - that cannot take part in an election, as without permission,
 * - that does not own partitions which are assigned to it.
 *
 * An instance that waits behind a leader of another application, or one without its
 * tasks, is up, and the details have `warnings`.
 *
 * Use it for readiness and alerts, not for liveness: an instance that waits for
 * ZooKeeper is not healed by being killed.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [TerminusModule],
 *   controllers: [HealthController],
 *   providers: [ZookeeperLeaderHealthIndicator],
 * })
 * export class HealthModule {}
 *
 * @Controller('health')
 * export class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly leader: ZookeeperLeaderHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @HealthCheck()
 *   check() {
 *     return this.health.check([() => this.leader.isHealthy('leader')]);
 *   }
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class ZookeeperLeaderHealthIndicator {
  readonly #elections: LeaderElections;
  readonly #partitions: Partitions;
  readonly #indicators: HealthIndicatorService;
  readonly #connection: ConnectionRecord;
  readonly #leaders = new Map<ManagedElection, KnownLeader>();
  readonly #createdAt = new Date();

  constructor(
    @Inject(LeaderElections) elections: LeaderElections,
    @Inject(HealthIndicatorService) indicators: HealthIndicatorService,
    @Inject(Partitions) partitions: Partitions,
  ) {
    this.#elections = elections;
    this.#partitions = partitions;
    this.#indicators = indicators;
    this.#connection = new ConnectionRecord(elections.session?.client);
    elections.follow((election) => {
      this.#leaders.set(election, new KnownLeader(election.sightings$));
      return () => this.#leaders.delete(election);
    });
  }

  /**
   * Up or down, with {@link ZookeeperLeaderHealth} as details. Asks ZooKeeper
   * for the leaders once, and then watches them.
   *
   * @throws {TypeError} (rejects) for an option that is not valid
   */
  async isHealthy<const Key extends string>(
    key: Key,
    options: ZookeeperLeaderHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const maxDisconnectedMs = checks.milliseconds(
      'maxDisconnectedMs',
      checks.object(options, OPTIONS).maxDisconnectedMs,
      { least: 0, most: Infinity, fallback: DEFAULT_MAX_DISCONNECTED_MS },
    );
    const indicator = this.#indicators.check(key);
    // Now, not when the leaders have been looked up.
    const problems = instanceProblems(
      this.#elections,
      this.#connection,
      maxDisconnectedMs,
    );
    const details = await this.#details();
    return problems.length === 0
      ? indicator.up({ ...details })
      : indicator.down({ ...details, problems });
  }

  async #details(): Promise<ZookeeperLeaderHealth> {
    const elections = await Promise.all(
      [...this.#leaders].map(
        async ([election, leader]) =>
          [
            election.name,
            await this.#electionHealth(election, leader),
          ] as const,
      ),
    );
    const { session, instanceId } = this.#elections;
    const lastContact = session?.lease.lastContact;
    const warnings = [
      ...[...this.#elections.warnings.values()].flat(),
      ...this.#elections.companions.warnings,
    ];
    return {
      instanceId,
      state: this.#connection.state ?? 'standalone',
      since: (this.#connection.since ?? this.#createdAt).toISOString(),
      ...(lastContact && { lastContact: lastContact.toISOString() }),
      ...(session && {
        leaseRemainingMs: Math.round(session.lease.remainingMs()),
      }),
      elections: Object.fromEntries(elections),
      ...(this.#partitions.all.length > 0 && {
        partitions: Object.fromEntries(
          this.#partitions.all.map((set) => [
            set.name,
            {
              partitions: set.partitions,
              owned: set.owned.length,
              assigned: set.assignedCount,
            },
          ]),
        ),
      }),
      ...(warnings.length > 0 && { warnings }),
    };
  }

  async #electionHealth(
    election: ManagedElection,
    known: KnownLeader,
  ): Promise<ElectionHealth> {
    const { role, reason, since } = election.leadership;
    const isReachable = [undefined, 'connected'].includes(
      this.#connection.state,
    );
    const leader = isReachable ? await known.find() : undefined;
    return {
      role,
      reason,
      since: since.toISOString(),
      leader: leader?.instanceId ?? null,
      ...(leader?.leaderSince && {
        leaderSince: leader.leaderSince.toISOString(),
      }),
      ...(leader && { fencingToken: leader.fencingToken }),
    };
  }
}
