import {
  afterEach,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { tickMsOf } from '../../../lib/guardian/judgement.js';
import type { Life } from '../../../lib/guardian/process-identity.js';
import {
  SessionGuard,
  type Outcome,
} from '../../../lib/guardian/session-guard.js';
import type {
  AttachEvents,
  AttachOptions,
} from '../../../lib/guardian/attach.js';
import type { GuardedSession } from '../../../lib/zookeeper/session-guardian.interface.js';

const T = 2_400;
/** While the session is kept. */
const TICK_MS = tickMsOf(T, T);
/** Before. */
const LOOK_MS = tickMsOf(T, 0);
const MAX_STALL_MS = 5 * T;

/** One connection of the guardian, as it asked for it. */
interface Attempt {
  readonly options: AttachOptions;
  readonly events: AttachEvents;
  isDropped: boolean;
  pings: number;
}

describe('a guard of a session', () => {
  let attempts: Attempt[];
  let outcomes: Outcome[];
  let unkept: Error[];
  let life: Life;
  let guard: SessionGuard;

  beforeEach(() => {
    jest.useFakeTimers();
    attempts = [];
    outcomes = [];
    unkept = [];
    life = 'alive';
    guard = new SessionGuard({
      attach: (options, events) => {
        const attempt = { options, events, isDropped: false, pings: 0 };
        attempts.push(attempt);
        return {
          ping: () => {
            attempt.pings += 1;
          },
          drop: () => {
            attempt.isDropped = true;
          },
        };
      },
      look: () => life,
      onUnkept: (failure) => unkept.push(failure),
      onOver: (outcome) => outcomes.push(outcome),
    });
    guard.guard(session(['a', 'b', 'c'], 'b'), MAX_STALL_MS);
  });

  afterEach(() => {
    guard.dismiss();
    jest.useRealTimers();
  });

  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
  const hosts = (): string[] =>
    attempts.map(({ options }) => options.server.host);
  const last = (): Attempt => attempts.at(-1) as Attempt;
  const stall = async (): Promise<void> => {
    await pass(T / 2 + 2 * TICK_MS);
    expect(last().options.purpose).toBe('keep');
  };

  it('does nothing while the application is heard', async () => {
    for (let tick = 0; tick < 100; tick++) {
      await pass(TICK_MS);
      guard.sawLife();
    }
    expect(attempts).toEqual([]);
  });

  it('does nothing before half the timeout of silence, then attaches to the same server', async () => {
    await pass(T / 2 - TICK_MS);
    expect(attempts).toEqual([]);
    await pass(3 * TICK_MS);
    expect(hosts()).toEqual(['b']);
    // Another timeout in the handshake would change the session's.
    expect(last().options.sessionTimeoutMs).toBe(T);
  });

  it.each([
    ['a sign of life has come in', true],
    ['nothing has come in', false],
  ])(
    'judges no silence before it has read the channel, when %s',
    async (_what, isHeard) => {
      jest.useFakeTimers({ doNotFake: ['setImmediate'] });
      guard.guard(session(['b'], 'b'), MAX_STALL_MS);
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      for (let ms = 0; ms < T / 2 - LOOK_MS; ms += LOOK_MS) {
        jest.advanceTimersByTime(LOOK_MS);
        await turn();
      }
      // As when a process wakes up: timers come first, then what there is to read.
      jest.advanceTimersByTime(LOOK_MS);
      if (isHeard) {
        guard.sawLife();
      }
      await turn();
      expect(attempts).toHaveLength(isHeard ? 0 : 1);
    },
  );

  it.each(['connecting', 'attached'])(
    'drops its connection at the first sign of life, when it is %s',
    async (stage) => {
      await stall();
      if (stage === 'attached') {
        last().events.onDone();
      }
      guard.sawLife();
      expect(last().isDropped).toBe(true);
      await pass(T / 2 - TICK_MS);
      expect(attempts).toHaveLength(1);
    },
  );

  it('pings while it is attached, several times per timeout', async () => {
    await stall();
    last().events.onDone();
    for (let tick = 0; tick < 24; tick++) {
      await pass(TICK_MS);
      last().events.onAnswer();
    }
    expect(last().pings).toBeGreaterThanOrEqual(5);
    expect(attempts).toHaveLength(1);
  });

  it('turns to another server when one does not answer, long before the session ends', async () => {
    await stall();
    await pass(T / 3);
    expect(hosts().slice(0, 2)).toEqual(['b', 'a']);
    expect(attempts[0]?.isDropped).toBe(true);
    expect(T / 2 + 2 * TICK_MS + T / 3).toBeLessThan(T);
  });

  it('leaves a server that falls silent while it is attached', async () => {
    await stall();
    last().events.onDone();
    await pass(T / 2);
    expect(hosts().slice(0, 2)).toEqual(['b', 'a']);
  });

  it('waits for a sign of life when the server has hung up, before it attaches again', async () => {
    await stall();
    last().events.onDone();
    last().events.onEnd(new Error('the session has moved'));
    await pass(TICK_MS);
    expect(attempts).toHaveLength(1);
    guard.sawLife();
    await pass(T / 2 - TICK_MS);
    expect(attempts).toHaveLength(1);
  });

  it('does not attach again to a session that the server does not know', async () => {
    await stall();
    last().events.onEnd('expired');
    await pass(3 * T);
    expect(attempts).toHaveLength(1);
  });

  describe('that no server has kept during a stall', () => {
    const refused = new Error('refused');
    /** All servers refuse for so long. */
    const refuse = async (ms: number): Promise<void> => {
      let answered: Attempt | undefined;
      for (let passed = 0; passed < ms; passed += TICK_MS) {
        if (last() !== answered) {
          answered = last();
          answered.events.onEnd(refused);
        }
        await pass(TICK_MS);
      }
    };

    it('says why, once, when the application is back', async () => {
      await stall();
      await refuse(T);
      expect(unkept).toEqual([]);
      guard.sawLife();
      guard.sawLife();
      expect(new Set(hosts())).toEqual(new Set(['a', 'b', 'c']));
      expect(unkept).toEqual([refused]);
    });

    it('says so when the servers do not answer', async () => {
      await stall();
      await pass(T);
      guard.sawLife();
      expect(unkept).toEqual([new Error('did not answer')]);
    });

    it('says so again for the next stall', async () => {
      for (const stalls of [1, 2]) {
        await stall();
        await refuse(T);
        guard.sawLife();
        expect(unkept).toHaveLength(stalls);
      }
    });

    it.each([
      ['for five timeouts', MAX_STALL_MS],
      ['for less than two', 1.6 * T],
    ])(
      'says so when it gives up, for an application that may be stalled %s',
      async (_long, maxStallMs) => {
        guard.guard(session(['b'], 'b'), maxStallMs);
        await pass(maxStallMs - T + 2 * TICK_MS);
        expect(unkept).toEqual([new Error('did not answer')]);
        await pass(5 * T);
        guard.sawLife();
        expect(unkept).toHaveLength(1);
      },
    );

    it('says so when the application dies', async () => {
      await stall();
      await refuse(T);
      life = 'gone';
      guard.channelEnded();
      expect(unkept).toEqual([refused]);
    });

    it('says so when the servers are back too late', async () => {
      await stall();
      await refuse(T);
      last().events.onEnd('expired');
      await pass(T);
      guard.sawLife();
      expect(unkept).toEqual([refused]);
    });

    it('says so when one kept it for some time', async () => {
      await stall();
      last().events.onDone();
      await refuse(T + 2 * TICK_MS);
      guard.sawLife();
      expect(unkept).toEqual([refused]);
    });

    it.each<[string, () => void]>([
      ['it had expired', () => last().events.onEnd('expired')],
      ['a server keeps it then', () => last().events.onDone()],
    ])('says nothing when %s', async (_what, happen) => {
      await stall();
      await refuse(T / 5);
      await pass(2 * TICK_MS);
      happen();
      for (let ms = 0; ms < MAX_STALL_MS; ms += TICK_MS) {
        last().events.onAnswer();
        await pass(TICK_MS);
      }
      guard.sawLife();
      expect(unkept).toEqual([]);
    });

    it('says nothing when the application is back in time', async () => {
      await stall();
      await refuse(T / 3);
      guard.sawLife();
      expect(unkept).toEqual([]);
    });

    it('says nothing when the application is back, and the server hangs up', async () => {
      await stall();
      last().events.onDone();
      for (let ms = 0; ms < T; ms += TICK_MS) {
        last().events.onAnswer();
        await pass(TICK_MS);
      }
      last().events.onEnd(new Error('the session has moved'));
      await pass(TICK_MS);
      guard.sawLife();
      expect(unkept).toEqual([]);
    });
  });

  it('never has two connections at once', async () => {
    await pass(4 * T);
    expect(attempts.length).toBeGreaterThan(3);
    for (const attempt of attempts.slice(0, -1)) {
      expect(attempt.isDropped).toBe(true);
    }
  });

  it('hangs up one timeout before maxStallMs, closes nothing, and begins anew when the application is back', async () => {
    await stall();
    last().events.onDone();
    const silent = MAX_STALL_MS - T;
    for (let ms = 0; ms < silent; ms += TICK_MS) {
      last().events.onAnswer();
      await pass(TICK_MS);
    }
    expect(last().isDropped).toBe(true);
    const count = attempts.length;
    await pass(10 * T);
    expect(attempts).toHaveLength(count);
    expect(outcomes).toEqual([]);
    guard.sawLife();
    await stall();
    expect(attempts).toHaveLength(count + 1);
  });

  it('closes the session of a process whose end shows late', async () => {
    guard.channelEnded();
    await pass(20);
    expect(attempts).toEqual([]);
    life = 'gone';
    await pass(2);
    expect(last().options).toMatchObject({
      purpose: 'close',
      server: { host: 'b' },
    });
    last().events.onDone();
    expect(outcomes).toEqual(['closed']);
  });

  it('goes without closing anything when the channel ends and the application lives', async () => {
    guard.channelEnded();
    await pass(T / 2 + 5);
    expect(attempts).toEqual([]);
    expect(outcomes).toEqual(['dismissed']);
  });

  it('does not attach for an application that has let go of the channel', async () => {
    await pass(T / 2 - TICK_MS);
    guard.channelEnded();
    await pass(T);
    expect(attempts).toEqual([]);
  });

  it('drops its connection when the channel ends while it is attached, and the application lives', async () => {
    await stall();
    last().events.onDone();
    guard.channelEnded();
    await pass(T / 2 + 5);
    expect(last().isDropped).toBe(true);
    expect(outcomes).toEqual(['dismissed']);
  });

  it('tries one server after the other to close a session, for one timeout', async () => {
    life = 'gone';
    guard.channelEnded();
    last().events.onEnd(new Error('refused'));
    await pass(10);
    expect(hosts()).toEqual(['b', 'a']);
    // This one does not answer.
    await pass(T / 8 + 1);
    expect(hosts()).toEqual(['b', 'a', 'c']);
    expect(attempts[1]?.isDropped).toBe(true);
    await pass(T + T / 8);
    expect(outcomes).toEqual([new Error('refused')]);
  });

  it('takes a session that the server does not know for closed', () => {
    life = 'gone';
    guard.channelEnded();
    last().events.onEnd('expired');
    expect(outcomes).toEqual(['closed']);
  });

  it('finishes a close that has begun, whatever it is told then', async () => {
    life = 'gone';
    guard.channelEnded();
    expect(guard.isClosing).toBe(true);
    guard.release();
    guard.dismiss();
    expect(outcomes).toEqual([]);
    expect(last().isDropped).toBe(false);
    last().events.onDone();
    expect(outcomes).toEqual(['closed']);
  });

  it('has nothing to do once the session is released', async () => {
    guard.release();
    await pass(3 * T);
    life = 'gone';
    guard.channelEnded();
    expect(attempts).toEqual([]);
    expect(outcomes).toEqual(['dismissed']);
  });
});

function session(hosts: readonly string[], host: string): GuardedSession {
  return {
    servers: hosts.map((each) => ({ host: each, port: 2181 })),
    server: { host, address: '127.0.0.1', port: 2181 },
    sessionId: '1a',
    password: Buffer.alloc(16),
    sessionTimeoutMs: T,
    security: { auth: [] },
  };
}
