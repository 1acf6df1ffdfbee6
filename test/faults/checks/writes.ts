import type { StoredWrite } from '../fenced-store.js';
import type { History } from '../history.js';

/**
 * Accepted writes come in the order of their tokens, a token belongs to one
 * instance, and nobody is refused who still leads afterwards.
 */
export function checkWrites(
  writes: readonly StoredWrite[],
  { reigns, exemptions }: History,
): string[] {
  const violations: string[] = [];
  const highest = new Map<string, StoredWrite>();
  const owners = new Map<string, string>();
  for (const write of writes) {
    const { era, election, fencingToken, instanceId, atMs } = write;
    const resource = `${era} ${election}`;
    const owner = owners.get(`${resource} ${fencingToken}`) ?? instanceId;
    owners.set(`${resource} ${fencingToken}`, owner);
    if (owner !== instanceId) {
      violations.push(
        `${instanceId} has written with the token ${fencingToken} of ${owner}`,
      );
    }
    const former = highest.get(resource);
    if (write.isAccepted) {
      if (former && former.fencingToken > fencingToken) {
        violations.push(
          `the store has accepted token ${fencingToken} of ${instanceId} after ${former.fencingToken} of ${former.instanceId}`,
        );
      }
      highest.set(resource, write);
    } else {
      const leads = reigns.some(
        (reign) =>
          reign.instance === instanceId &&
          reign.election === election &&
          reign.fencingToken === fencingToken &&
          // Not one of a later life of the data, where tokens come again.
          reign.fromMs <= atMs &&
          reign.untilMs > atMs &&
          !exemptions.some(
            (each) =>
              each.instance === instanceId &&
              each.election === election &&
              each.fromMs <= atMs &&
              each.untilMs >= reign.untilMs,
          ),
      );
      if (leads) {
        violations.push(
          `${instanceId} leads "${election}" and was refused: token ${fencingToken}, the store has seen ${former?.fencingToken} of ${former?.instanceId}`,
        );
      }
    }
  }
  return violations;
}
