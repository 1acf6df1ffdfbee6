import {
  Inject,
  Injectable,
  Optional,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { DEFAULT_ELECTION } from '../zookeeper-leader.constants.js';
import { guardWithoutModuleMessage } from '../zookeeper-leader.messages.js';
import { checkElectionName } from '../zookeeper-leader.options.js';
import { KnownLeader } from '../election/known-leader.js';
import { LeaderElections } from '../election/leader-elections.js';
import { notLeaderException } from './not-leader.exception.js';

/**
 * Lets only the leader serve a route, a message, an event of a gateway or a
 * resolver. Every other instance refuses with the leader's instance id and host,
 * where they are known. A route answers 503:
 *
 * ```json
 * {
 *   "statusCode": 503,
 *   "error": "Service Unavailable",
 *   "message": "Only the leader of the election \"default\" serves this: \"api-2\"",
 *   "election": "default",
 *   "leader": { "instanceId": "api-2", "host": "api-2.internal" }
 * }
 * ```
 *
 * A `@MessagePattern()` fails with an `RpcException` and a `@SubscribeMessage()`
 * with a `WsException`, which carry the same object; a resolver fails with the
 * message and with `code: 'SERVICE_UNAVAILABLE'`, `election` and `leader` in the
 * error's `extensions`.
 *
 * @example
 * ```ts
 * @UseGuards(LeaderGuard)
 * @Post('reindex')
 * reindex() {}
 *
 * @UseGuards(LeaderGuard.for('billing'))
 * @MessagePattern('settle')
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

  /**
   * @throws {TypeError} where `ZookeeperLeaderModule` is not imported
   */
  constructor(
    @Optional() @Inject(LeaderElections) elections: LeaderElections | undefined,
  ) {
    if (!elections) {
      throw new TypeError(guardWithoutModuleMessage());
    }
    this.#elections = elections;
    if (new.target === LeaderGuard) {
      elections.find(DEFAULT_ELECTION, 'LeaderGuard');
    }
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

      constructor(
        @Optional()
        @Inject(LeaderElections)
        elections: LeaderElections | undefined,
      ) {
        super(elections);
        elections?.find(election, `LeaderGuard.for('${election}')`);
      }
    }
    return NamedLeaderGuard;
  }

  /**
   * @throws {ServiceUnavailableException} where this instance does not lead; an
   * `RpcException` or a `WsException` where messages are answered
   */
  async canActivate(context?: ExecutionContext): Promise<boolean> {
    const name = this.electionName;
    // It may be that nothing else uses the election of a class derived from this.
    this.#elections.get(name);
    const election = this.#elections.find(name, 'LeaderGuard');
    if (election.isLeader() || (await election.revalidate())) {
      return true;
    }
    this.#leader ??= new KnownLeader(election.leader$);
    throw await notLeaderException(
      context?.getType<string>() ?? 'http',
      name,
      await this.#leader.find(),
    );
  }
}
