import { expect, it, jest } from '@jest/globals';
import { pause } from '../../lib/within.js';

it('a pause longer than a timer can be is as long as that, not over at once', async () => {
  const setTimer = jest.spyOn(globalThis, 'setTimeout');
  const abort = new AbortController();
  const paused = pause(1_000 * 2 ** 30, abort.signal);
  expect(setTimer).toHaveBeenCalledWith(expect.any(Function), 2 ** 31 - 1);
  abort.abort();
  await paused;
});
