import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  claimed,
  finished,
  newLedger,
  SupersededError,
  takenOver,
  type LedgerDocument,
  type OpenRun,
} from '../../../lib/tasks/ledger/ledger-document.js';
import { MemoryLedgerStore } from '../../../lib/tasks/ledger/memory-ledger-store.js';
import { RunLedger } from '../../../lib/tasks/ledger/run-ledger.js';
import { ZookeeperError } from '../../../lib/zookeeper/zookeeper.error.js';

/** Loses replies, or requests before they get there. */
class LossyStore extends MemoryLedgerStore {
  lose: 'nothing' | 'reply' | 'request' = 'nothing';

  override create(data: string): Promise<number> {
    return this.#lossy(() => super.create(data));
  }

  override write(data: string, version: number): Promise<number> {
    return this.#lossy(() => super.write(data, version));
  }

  async #lossy(act: () => Promise<number>): Promise<number> {
    const { lose } = this;
    this.lose = 'nothing';
    const version = lose === 'request' ? 0 : await act();
    if (lose !== 'nothing') {
      throw new ZookeeperError('CONNECTION_LOSS', 'The connection was lost');
    }
    return version;
  }
}

const never = new AbortController().signal;
let store: LossyStore;
let asked: number;

beforeEach(() => {
  store = new LossyStore();
  asked = 0;
});

function open(tick: number, token = 1): OpenRun {
  return {
    id: `${tick}-${token}`,
    tick,
    attempt: 1,
    instanceId: 'A',
    token,
    startedAt: tick,
  };
}

/** Claims as the library does: looks for its own claim first. */
function claim(
  ledger: RunLedger,
  run: OpenRun,
): Promise<LedgerDocument | undefined> {
  return ledger.change((known) => {
    asked += 1;
    const before = known ?? newLedger('task', run.token, 0);
    return before.open.some(({ id }) => id === run.id)
      ? undefined
      : claimed(before, run);
  }, never);
}

function newRunLedger(): RunLedger {
  return new RunLedger(store, 'task');
}

describe('RunLedger', () => {
  it.each(['reply', 'request'] as const)(
    'claims a tick once when a %s is lost',
    async (lose) => {
      const ledger = newRunLedger();
      for (const tick of [1, 2]) {
        store.lose = lose;
        await claim(ledger, open(tick));
      }
      const document = await newRunLedger().read();
      expect(document).toMatchObject({ tick: 2, open: [{}, {}] });
      expect(document?.open).toHaveLength(2);
      expect(asked).toBe(4);
    },
  );

  it('asks again when somebody else was faster', async () => {
    const [mine, other] = [newRunLedger(), newRunLedger()];
    await claim(mine, open(1));
    await claim(other, open(2));
    await expect(claim(mine, open(2, 3))).resolves.toMatchObject({
      tick: 2,
      open: [{ tick: 1 }, { tick: 2, token: 1 }],
    });
  });

  it('refuses a leader of an earlier term', async () => {
    const [former, latter] = [newRunLedger(), newRunLedger()];
    await claim(former, open(1, 5));
    await latter.change(
      (known) =>
        takenOver(known as LedgerDocument, {
          token: 9,
          historySize: 5,
          isAlive: () => false,
          successorOf: () => undefined,
        }),
      never,
    );
    await expect(claim(former, open(2, 5))).rejects.toThrow(SupersededError);
  });

  it('changes nothing that has been changed meanwhile, one change at a time', async () => {
    const ledger = newRunLedger();
    const ticks = Array.from({ length: 50 }, (_, index) => index + 1);
    await Promise.all(ticks.map((tick) => claim(ledger, open(tick))));
    const document = await ledger.read();
    expect(document?.open.map(({ tick }) => tick)).toEqual(ticks);
  });

  it('remembers as many runs as it is told to, and none twice', async () => {
    const ledger = newRunLedger();
    for (const tick of [1, 2, 3, 4]) {
      await claim(ledger, open(tick));
      const end = { ...open(tick), outcome: 'finished' as const };
      const change = (known: LedgerDocument | undefined) =>
        finished(known as LedgerDocument, end, 3);
      store.lose = 'reply';
      await ledger.change(change, never);
      await ledger.change(change, never);
    }
    const document = await ledger.read();
    expect(document?.open).toEqual([]);
    expect(document?.past.map(({ tick }) => tick)).toEqual([2, 3, 4]);
  });

  it('does not wait for a connection when it is told not to', async () => {
    const ledger = newRunLedger();
    store.lose = 'request';
    await expect(
      ledger.change(() => newLedger('task', 1, 0), AbortSignal.abort()),
    ).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
  });
});
