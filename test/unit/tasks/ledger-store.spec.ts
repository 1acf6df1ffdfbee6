import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  claimed,
  finished,
  newLedger,
  SupersededError,
  takenOver,
  type LedgerDocument,
  type OpenRun,
} from '../../../lib/tasks/ledger/ledger.js';
import { LedgerStore } from '../../../lib/tasks/ledger/ledger-store.js';
import { MemoryClient } from '../../../lib/tasks/ledger/memory-client.js';
import { NodePaths } from '../../../lib/node-paths.js';
import type { NodeStat } from '../../../lib/zookeeper/zookeeper-client.interface.js';
import { ZookeeperError } from '../../../lib/zookeeper/zookeeper.error.js';

/** Loses answers, or requests before they get there. */
class LossyClient extends MemoryClient {
  lose: 'nothing' | 'answer' | 'request' = 'nothing';

  override create(
    ...request: Parameters<MemoryClient['create']>
  ): Promise<string> {
    return this.#lossy(() => super.create(...request));
  }

  override set(...request: Parameters<MemoryClient['set']>): Promise<NodeStat> {
    return this.#lossy(() => super.set(...request));
  }

  async #lossy<T>(act: () => Promise<T>): Promise<T> {
    const { lose } = this;
    this.lose = 'nothing';
    const answer = lose === 'request' ? undefined : await act();
    if (lose !== 'nothing') {
      throw new ZookeeperError('CONNECTION_LOSS', 'The connection was lost');
    }
    return answer as T;
  }
}

const never = new AbortController().signal;
let client: LossyClient;
let asked: number;

beforeEach(() => {
  client = new LossyClient();
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
  ledger: LedgerStore,
  run: OpenRun,
): Promise<LedgerDocument | undefined> {
  return ledger.change((known) => {
    asked += 1;
    const before = known ?? newLedger('task', { token: 1, tick: 0, since: 0 });
    return before.open.some(({ id }) => id === run.id)
      ? undefined
      : granted(claimed(before, run));
  }, never);
}

function granted(
  result: ReturnType<typeof claimed>,
): LedgerDocument | undefined {
  return typeof result === 'string' ? undefined : result;
}

function newStore(): LedgerStore {
  return new LedgerStore({ client, paths: new NodePaths('/base') }, 'task');
}

describe('LedgerStore', () => {
  it.each(['answer', 'request'] as const)(
    'claims a tick once when a %s is lost',
    async (lose) => {
      const ledger = newStore();
      for (const tick of [1, 2]) {
        client.lose = lose;
        await claim(ledger, open(tick));
      }
      const document = await newStore().read();
      expect(document).toMatchObject({ tick: 2, open: [{}, {}] });
      expect(document?.open).toHaveLength(2);
      // Asked again by what is there, and never told anything else.
      expect(asked).toBeGreaterThanOrEqual(3);
    },
  );

  it('asks again when somebody else was faster', async () => {
    const [mine, other] = [newStore(), newStore()];
    await claim(mine, open(1));
    await claim(other, open(2));
    await expect(claim(mine, open(2, 3))).resolves.toMatchObject({
      tick: 2,
      open: [{ tick: 1 }, { tick: 2, token: 1 }],
    });
  });

  it('refuses a leader of an earlier term', async () => {
    const [former, latter] = [newStore(), newStore()];
    await claim(former, open(1, 5));
    await latter.change(
      (known) =>
        takenOver(
          known as LedgerDocument,
          9,
          () => ({ is: 'over', end: { outcome: 'interrupted' } }),
          5,
        ),
      never,
    );
    await expect(claim(former, open(2, 5))).rejects.toThrow(SupersededError);
  });

  it('changes nothing that has been changed meanwhile, one change at a time', async () => {
    const ledger = newStore();
    const ticks = Array.from({ length: 50 }, (_, index) => index + 1);
    await Promise.all(ticks.map((tick) => claim(ledger, open(tick))));
    const document = await ledger.read();
    expect(document?.open.map(({ tick }) => tick)).toEqual(ticks);
  });

  it('remembers as many runs as it is told to, and none twice', async () => {
    const ledger = newStore();
    for (const tick of [1, 2, 3, 4]) {
      await claim(ledger, open(tick));
      const change = (known: LedgerDocument | undefined) =>
        finished(
          known as LedgerDocument,
          open(tick).id,
          { outcome: 'finished' },
          3,
        );
      client.lose = 'answer';
      await ledger.change(change, never);
      await ledger.change(change, never);
    }
    const document = await ledger.read();
    expect(document?.open).toEqual([]);
    expect(document?.past.map(({ tick }) => tick)).toEqual([2, 3, 4]);
  });

  it('does not wait for a connection when it is told not to', async () => {
    const ledger = newStore();
    client.lose = 'request';
    await expect(
      ledger.change(
        () => newLedger('task', { token: 1, tick: 0, since: 0 }),
        AbortSignal.abort(),
      ),
    ).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
  });
});
