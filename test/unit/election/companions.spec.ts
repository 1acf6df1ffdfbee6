import { expect, it } from '@jest/globals';
import {
  Companions,
  type Companion,
} from '../../../lib/election/companions.js';

it('what was kept away comes back to a running application only', async () => {
  const done: string[] = [];
  const note = (deed: string) => async (): Promise<void> => {
    done.push(deed);
  };
  const companion: Companion = {
    problems: [],
    enter: () => void done.push('enter'),
    withdraw: note('withdraw'),
    shutDown: note('shutDown'),
  };
  const companions = new Companions();
  companions.add(companion);
  companions.isAway = true;
  companions.start();
  companions.isAway = false;
  companions.isAway = true;
  const end = companions.shutDown();
  companions.isAway = false;
  await end;
  expect(done).toEqual(['withdraw', 'enter', 'withdraw', 'shutDown']);
});
