import {
  Inject,
  Injectable,
  ServiceUnavailableException,
  type CanActivate,
  type Type,
} from '@nestjs/common';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import { checkElectionName } from '../zookeeper-leader.options.js';
import { KnownLeader } from './known-leader.js';
import { LeaderElections } from './leader-elections.js';

/**
 * Lets only the leader serve a route. Every other instance answers 503 with the
 * leader's instance id and host in the body, where they are known:
 *
 * ```json
 * {
 *   "statusCode": 503,
 *   "error": "Service Unavailable",
 *   "message": "Only the leader of the election \"default\" serves this",
 *   "election": "default",
 *   "leader": { "instanceId": "api-2", "host": "api-2.internal" }
 * }
 * ```
 *
 * @example
 * ```ts
 * @UseGuards(LeaderGuard)
 * @Post('reindex')
 * reindex() {}
 *
 * @UseGuards(LeaderGuard.for('billing'))
 * @Post('settle')
 * settle() {}
 * ```
 *
 * @publicApi
 */
@Injectable()
export class LeaderGuard implements CanActivate {
  /** Name of the election whose leader serves. */
  protected readonly electionName: string = DEFAULT_ELECTION;
  readonly #elections: LeaderElections;
  #leader: KnownLeader | undefined;

  constructor(@Inject(LeaderElections) elections: LeaderElections) {
    this.#elections = elections;
  }

  /**
   * A guard for the election of that name.
   *
   * @throws {TypeError} if `election` cannot be an election's name
   */
  static for(election: string): Type<LeaderGuard> {
    checkElectionName(election, 'LeaderGuard.for()');
    @Injectable()
    class NamedLeaderGuard extends LeaderGuard {
      protected override readonly electionName = election;

      constructor(@Inject(LeaderElections) elections: LeaderElections) {
        super(elections);
        elections.find(election, `LeaderGuard.for('${election}')`);
      }
    }
    return NamedLeaderGuard;
  }

  /**
   * @throws {ServiceUnavailableException} where this instance does not lead
   */
  async canActivate(): Promise<boolean> {
    const name = this.electionName;
    const election = this.#elections.find(name, 'LeaderGuard');
    if (election.isLeader() || (await election.revalidate())) {
      return true;
    }
    this.#leader ??= new KnownLeader(election.leader$);
    const leader = await this.#leader.find();
    throw new ServiceUnavailableException({
      statusCode: 503,
      error: 'Service Unavailable',
      message: `Only the leader of the election "${name}" serves this`,
      election: name,
      leader: leader
        ? { instanceId: leader.instanceId, host: leader.host }
        : null,
    });
  }
}
