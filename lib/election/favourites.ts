import {
  BehaviorSubject,
  distinctUntilChanged,
  map,
  type Observable,
} from 'rxjs';

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
