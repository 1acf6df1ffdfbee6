import { ServiceUnavailableException } from '@nestjs/common';
import type { Participant } from '../election/leadership.interface.js';

/** What a request is refused with on an instance that does not lead. */
interface Refusal {
  readonly statusCode: 503;
  readonly error: 'Service Unavailable';
  readonly message: string;
  readonly election: string;
  readonly leader: {
    readonly instanceId: string;
    readonly host?: string;
  } | null;
}

/**
 * Not one with a `statusCode`: Apollo's driver would put the code of an internal
 * error in place of these extensions.
 */
class GraphqlRefusal extends ServiceUnavailableException {
  readonly extensions: Record<string, unknown>;

  constructor({ message, election, leader }: Refusal) {
    super({ message });
    this.extensions = { code: 'SERVICE_UNAVAILABLE', election, leader };
  }
}

/**
 * The exception that Nest sends on to the caller, by the kind of the call.
 *
 * @param type of the execution context: `http`, `rpc`, `ws` or `graphql`
 */
export async function notLeaderException(
  type: string,
  election: string,
  leader: Participant | undefined,
): Promise<Error> {
  const who = leader ? `: "${leader.instanceId}"` : '';
  const refusal: Refusal = {
    statusCode: 503,
    error: 'Service Unavailable',
    message: `Only the leader of the election "${election}" serves this${who}`,
    election,
    leader: leader
      ? {
          instanceId: leader.instanceId,
          ...(leader.host !== undefined && { host: leader.host }),
        }
      : null,
  };
  // The application has loaded these packages, if it answers such calls.
  try {
    if (type === 'rpc') {
      const { RpcException } = await import('@nestjs/microservices');
      return new RpcException(refusal);
    }
    if (type === 'ws') {
      const { WsException } = await import('@nestjs/websockets');
      return new WsException(refusal);
    }
  } catch {
    // A transport of the application's own making.
  }
  return type === 'graphql'
    ? new GraphqlRefusal(refusal)
    : new ServiceUnavailableException(refusal);
}
