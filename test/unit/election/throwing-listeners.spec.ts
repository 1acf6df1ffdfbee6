import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { config, map, type Observable } from 'rxjs';
import { LeaderElection, Partitions } from '../../../lib/index.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

const reported: unknown[] = [];

beforeEach(() => {
  reported.length = 0;
  // What docs/tasks.md recommends: otherwise they are uncaught exceptions.
  config.onUnhandledError = (error) => void reported.push(error);
});
afterEach(async () => {
  await closeApplications();
  await new Promise((resolve) => setTimeout(resolve));
  config.onUnhandledError = null;
});

it.each<
  [
    string,
    (election: LeaderElection, partitions: Partitions) => Observable<unknown>,
  ]
>([
  ['leadership$', (election) => election.leadership$],
  ['leader$', (election) => election.leader$],
  ['owned$', (_election, partitions) => partitions.of('topics', 2).owned$],
])(
  'a listener of %s that throws disturbs neither the instance nor other listeners',
  async (_name, streamOf) => {
    const app = await startApplication({ options: { standalone: true } });
    const election = app.get(LeaderElection);
    const stream$ = streamOf(election, app.get(Partitions));
    const thrown = new Error('of a listener');
    const fail = (): never => {
      throw thrown;
    };
    const before: unknown[] = [];
    const heard: unknown[] = [];
    stream$.subscribe((value) => before.push(value));
    stream$.subscribe(fail);
    stream$.pipe(map(fail)).subscribe();
    stream$.subscribe((value) => heard.push(value));
    await waitFor(() => reported.length >= 2);
    expect(new Set(reported)).toEqual(new Set([thrown]));
    expect(election.isLeader()).toBe(true);
    await election.withdraw();
    await app.close();
    expect(election.isLeader()).toBe(false);
    expect(heard.length).toBeGreaterThan(1);
    expect(heard).toEqual(before);
  },
);
