import type { ConnectionLossPolicy } from '../interfaces/zookeeper-leader-options.interface.js';
import type { Connection } from '../zookeeper/zookeeper-client.interface.js';

/** Whether terms end because the connection is suspended. */
export function endsTerms(
  policy: ConnectionLossPolicy,
  { state, isAfterStall }: Connection,
): boolean {
  // After a stall the lease decides: nothing is wrong with the network.
  return state === 'suspended' && policy === 'step-down' && !isAfterStall;
}
