import { expect, it, jest } from '@jest/globals';
import { SerialLoop } from '../../../lib/session/serial-loop.js';
import { waitFor } from '../../support/wait-for.js';

it('hears all events that come together before it acts upon one', async () => {
  const heard: string[] = [];
  let seen: string[] | undefined;
  const loop = new SerialLoop(
    async () => {
      seen ??= [...heard];
    },
    () => undefined,
  );
  for (const event of ['the leader has gone', 'our entry has gone']) {
    // As a client calls the watchers of one packet.
    queueMicrotask(() => {
      heard.push(event);
      loop.wake();
    });
  }
  await waitFor(() => seen, { description: 'the step' });
  expect(seen).toHaveLength(2);
});

it('runs, although the timers of the process are fake', async () => {
  jest.useFakeTimers();
  try {
    let steps = 0;
    const loop = new SerialLoop(
      async () => {
        steps += 1;
      },
      () => undefined,
    );
    loop.wake();
    await waitFor(() => steps === 1, { description: 'the step' });
  } finally {
    jest.useRealTimers();
  }
});
