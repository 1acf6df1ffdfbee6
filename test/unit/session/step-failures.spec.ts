import { expect, it } from '@jest/globals';
import { StepFailures } from '../../../lib/session/step-failures.js';

function failures() {
  const clock = { ms: 0 };
  return { clock, failed: new StepFailures(() => clock.ms) };
}

it('lasts from the first failure in a row', () => {
  const { clock, failed } = failures();
  expect(failed.durationMs).toBe(0);
  failed.add();
  clock.ms = 500;
  failed.add();
  expect(failed.durationMs).toBe(500);
  failed.clear();
  clock.ms = 900;
  failed.add();
  expect(failed.durationMs).toBe(0);
});

it('pauses longer each time, up to a minute', () => {
  const { failed } = failures();
  const pauses = Array.from({ length: 6 }, () => failed.makeWay(6_000));
  expect(pauses).toEqual([6_000, 12_000, 24_000, 48_000, 60_000, 60_000]);
});

it('asks for proof until it has been well for ten pauses', () => {
  const { clock, failed } = failures();
  expect(failed.hasMadeWay).toBe(false);
  failed.makeWay(1_000);
  clock.ms = 9_999;
  expect(failed.hasMadeWay).toBe(true);
  clock.ms = 10_000;
  expect(failed.hasMadeWay).toBe(false);
  expect(failed.makeWay(1_000)).toBe(1_000);
});
