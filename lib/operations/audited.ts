import { messageOf } from '../message-of.js';
import type { Nodes } from '../session/nodes.js';
import { recordAction, type AuditEntry } from './audit-log.js';

/** What is known of an action before it is done. */
export type Deed = Pick<AuditEntry, 'action' | 'target' | 'by' | 'from'>;

/**
 * Does something to the cluster, and writes down who wanted it and what became of
 * it. An entry that cannot be written undoes nothing.
 *
 * @param nodes undefined without ZooKeeper: nothing is written down
 * @param work resolves to what becomes of it, in a sentence, and a result
 * @param logger told why an entry cannot be written
 */
export async function audited<Result>(
  nodes: Nodes | undefined,
  deed: Deed,
  work: () => Promise<{ outcome: string; result: Result }>,
  logger: { warn(text: string): void },
): Promise<Result> {
  const record = async (outcome: string): Promise<void> => {
    try {
      await (nodes &&
        recordAction(nodes, { at: new Date(), ...deed, outcome }));
    } catch (error) {
      logger.warn(
        `What ${deed.by} has done could not be written to ${nodes?.paths.audit}: ${messageOf(error)}`,
      );
    }
  };
  try {
    const { outcome, result } = await work();
    await record(outcome);
    return result;
  } catch (error) {
    await record(`Failed: ${messageOf(error)}`);
    throw error;
  }
}
