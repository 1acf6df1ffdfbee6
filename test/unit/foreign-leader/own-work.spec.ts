import { expect, it } from '@jest/globals';
import { NEVER } from 'rxjs';
import type {
  ElectionListener,
  LeaderElections,
} from '../../../lib/election/leader-elections.js';
import type { ManagedElection } from '../../../lib/election/managed-election.js';
import { OwnWork } from '../../../lib/foreign-leader/own-work.js';
import { NodePaths } from '../../../lib/node-paths.js';

it('keeps no list of tasks of an election that is disposed of', () => {
  const listeners: ElectionListener[] = [];
  const elections = {
    session: { client: {}, paths: new NodePaths('/app') },
    identity: { instanceId: 'a' },
    follow: (listener: ElectionListener) => listeners.push(listener),
  };
  const asked: string[] = [];
  const work = new OwnWork(
    elections as unknown as LeaderElections,
    (election) => {
      asked.push(election);
      return [];
    },
  );
  for (let count = 0; count < 25; count += 1) {
    const name = `import-${count}`;
    const election = { name, leadership$: NEVER } as unknown as ManagedElection;
    const forget = listeners.map((listener) => listener(election));
    work.tasksOf(name);
    if (count > 20) {
      forget.forEach((each) => each?.());
    }
  }
  asked.length = 0;
  work.tasksOf('import-0');
  work.tasksOf('import-24');
  expect(asked).toEqual(['import-24']);
});
