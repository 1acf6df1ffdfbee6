import type { History, SessionClose } from '../history.js';

/**
 * Nobody ends a session while its owner says that it leads; and who has ended one
 * does not lead on it any more (docs/design.md).
 */
export function checkCloses(history: History): string[] {
  return history.closes.flatMap((close) => {
    if (!isInUse(close, history)) {
      return [];
    }
    const { instance, sessionId, by, atMs } = close;
    return history.reigns
      .filter(
        (reign) =>
          reign.instance === instance &&
          reign.untilMs > atMs &&
          // The first one on the next session is of no concern.
          reign.fromMs < nextGrantMs(close, history),
      )
      .map(({ election, fromMs }) =>
        fromMs < atMs
          ? `${by} ended session ${sessionId} of ${instance} while it led "${election}"`
          : `${instance} leads "${election}" on session ${sessionId}, which ${by} has ended`,
      );
  });
}

/** Of a session that its owner has replaced already nothing is left to lose. */
function isInUse(
  { instance, sessionId, atMs }: SessionClose,
  { grants }: History,
): boolean {
  return (
    grants.findLast(
      (grant) => grant.instance === instance && grant.atMs <= atMs,
    )?.sessionId === sessionId
  );
}

function nextGrantMs(
  { instance, sessionId, atMs }: SessionClose,
  { grants }: History,
): number {
  return (
    grants.find(
      (grant) =>
        grant.instance === instance &&
        grant.atMs > atMs &&
        grant.sessionId !== sessionId,
    )?.atMs ?? Infinity
  );
}
