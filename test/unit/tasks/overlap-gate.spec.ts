import { describe, expect, it } from '@jest/globals';
import { OverlapGate } from '../../../lib/tasks/overlap-gate.js';

/** Whether a promise has settled, after everything that is due now. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise(setImmediate);
  return settled;
}

describe('OverlapGate', () => {
  it("'allow' lets everybody in", async () => {
    const gate = new OverlapGate('allow');
    expect([gate.enterCall('run'), gate.enterCall('run')]).toEqual([
      true,
      true,
    ]);
    await gate.enter();
    expect(gate.decided).toBeUndefined();
  });

  it("'skip' turns calls away while there is a run", () => {
    const gate = new OverlapGate('skip');
    expect(gate.enterCall('run')).toBe(true);
    expect(gate.enterCall('run')).toBe(false);
    gate.leave();
    expect(gate.enterCall('run')).toBe(true);
  });

  it("'queue-one' keeps one call, until the run ends", async () => {
    const gate = new OverlapGate('queue-one');
    void gate.enterCall('run');
    const queued = gate.enterCall('run') as Promise<void>;
    expect(gate.enterCall('run')).toBe(false);
    expect(await hasSettled(queued)).toBe(false);
    gate.leave();
    expect(await hasSettled(queued)).toBe(true);
    expect(gate.enterCall('run')).toBeInstanceOf(Promise);
  });

  it('tells while a decision is made, and ends that with a run', async () => {
    const gate = new OverlapGate('skip');
    await gate.enter();
    const decided = gate.decided as Promise<void>;
    expect(await hasSettled(decided)).toBe(false);
    gate.goOnTo('run');
    expect(await hasSettled(decided)).toBe(true);
    expect(gate.decided).toBeUndefined();
    expect(gate.enterCall('run')).toBe(false);
  });

  it('tells again when there is more to decide, until it is free', async () => {
    const gate = new OverlapGate('skip');
    void gate.enterCall('decide');
    gate.goOnTo('run');
    gate.goOnTo('decide');
    const decided = gate.decided as Promise<void>;
    gate.leave();
    expect(await hasSettled(decided)).toBe(true);
    expect(gate.enterCall('run')).toBe(true);
  });

  it('lets in, in order, what has to be done', async () => {
    const gate = new OverlapGate('skip');
    void gate.enterCall('run');
    const first = gate.enter();
    const second = gate.enter();
    gate.leave();
    expect(await hasSettled(first)).toBe(true);
    expect(await hasSettled(second)).toBe(false);
    // Whoever is in line for a decision has the gate at once.
    expect(gate.decided).toBeInstanceOf(Promise);
    gate.leave();
    expect(await hasSettled(second)).toBe(true);
  });
});
