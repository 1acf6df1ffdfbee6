import { describe, expect, it } from '@jest/globals';
import { LeadershipLostError } from '../../../lib/index.js';
import type { LeadershipTerm } from '../../../lib/index.js';
import { LeadershipState } from '../../../lib/election/leadership-state.js';

function leading(): { state: LeadershipState; term: LeadershipTerm } {
  const state = new LeadershipState('billing', 'a', 'starting');
  state.lead(7, 'elected');
  const { current } = state;
  if (current.role !== 'leader') {
    throw new Error('It does not lead.');
  }
  return { state, term: current.term };
}

describe('the signal of a term', () => {
  const lost = new LeadershipLostError('billing', 'resigned');

  it('aborts when the term ends, with the reason', () => {
    const { state, term } = leading();
    const { signal } = term;
    expect(signal.aborted).toBe(false);
    state.follow('resigned');
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toEqual(lost);
    expect(signal.reason).toMatchObject({ reason: 'resigned' });
  });

  it('has aborted where it is asked for after the end of the term', () => {
    const { state, term } = leading();
    state.follow('resigned');
    state.lead(8, 'elected');
    expect(term.signal.aborted).toBe(true);
    expect(term.signal.reason).toMatchObject({ reason: 'resigned' });
  });

  it('is the same whenever it is asked for, in a copy of the term too', () => {
    const { state, term } = leading();
    const copy = { ...term };
    expect(copy.signal).toBe(term.signal);
    state.follow('resigned');
    expect(copy.signal.aborted).toBe(true);
  });

  it('has aborted before anybody hears of the end', () => {
    const { state, term } = leading();
    const { signal } = term;
    const aborted: boolean[] = [];
    state.changes$.subscribe(({ role }) => {
      if (role === 'follower') {
        aborted.push(signal.aborted);
      }
    });
    state.follow('resigned');
    expect(aborted).toEqual([true]);
  });

  it('may have somebody change the state: that is told after the end', () => {
    const { state, term } = leading();
    const told: string[] = [];
    state.changes$.subscribe(({ role, reason }) => {
      told.push(`${role} ${reason}`);
    });
    term.signal.addEventListener('abort', () => state.idle('withdrawn'));
    state.depose('resigned');
    const inOrder = ['follower resigned', 'idle withdrawn'];
    expect(told).toEqual(['leader elected', ...inOrder]);
    expect(state.current).toMatchObject({ role: 'idle', reason: 'withdrawn' });
    const late: string[] = [];
    state.changes$.subscribe(({ role }) => late.push(role));
    expect(late).toEqual(['idle']);
  });

  it('may have somebody end the election: the end of the term is still told', () => {
    const { state, term } = leading();
    const told: string[] = [];
    state.changes$.subscribe({
      next: ({ role, reason }) => told.push(`${role} ${reason}`),
      complete: () => told.push('complete'),
    });
    term.signal.addEventListener('abort', () => state.complete('shutdown'));
    state.depose('resigned');
    expect(told.slice(1)).toEqual([
      'follower resigned',
      'idle shutdown',
      'complete',
    ]);
  });
});
