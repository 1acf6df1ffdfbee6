import {
  BehaviorSubject,
  distinctUntilChanged,
  map,
  type Observable,
} from 'rxjs';
import type { ElectionNode } from '../election/election-node.js';

/**
 * The session that each election is assigned to, as this instance knows. It leads
 * before those of the same priority. That is a wish, which proves nothing.
 */
export class Favourites {
  readonly #sessions = new BehaviorSubject<ReadonlyMap<string, string>>(
    new Map(),
  );

  /** @param sessions by the name of the election */
  set(sessions: ReadonlyMap<string, string>): void {
    this.#sessions.next(sessions);
  }

  /** That of one election: now, and after every change. */
  of(election: string): Observable<string | undefined> {
    return this.#sessions.pipe(
      map((sessions) => sessions.get(election)),
      distinctUntilChanged(),
    );
  }
}

/**
 * The sessions that can be first in the queue if the election is assigned to them:
 * those of the highest priority, up to the first that makes no way for equals.
 *
 * @param queue the oldest first
 */
export function possibleFavourites(queue: readonly ElectionNode[]): string[] {
  const highest = Math.max(...queue.map(({ priority }) => priority));
  const equals = queue.filter(({ priority }) => priority === highest);
  const end = equals.findIndex(({ session }) => session === undefined);
  return equals
    .slice(0, end < 0 ? undefined : end)
    .flatMap(({ session }) => session ?? []);
}
