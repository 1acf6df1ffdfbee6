import type { WireClient } from '../support/wire-client.js';
import type { History } from './history.js';
import { BASE_PATH, LEDGERED_TASKS } from './settings.js';

/** A run as the ledger has it. */
export interface LedgerRun {
  readonly id: string;
  readonly task: string;
  readonly tick: number;
  readonly attempt: number;
  readonly instanceId: string;
  readonly token: number;
  /** `running` while no end is recorded. */
  readonly outcome: string;
}

interface Document {
  readonly tick: number;
  readonly open: readonly Omit<LedgerRun, 'task' | 'outcome'>[];
  readonly past: readonly Omit<LedgerRun, 'task'>[];
}

export function ledgerPath(task: string): string {
  return `${BASE_PATH}/tasks/${encodeURIComponent(task)}`;
}

/** Adds what the ledgers remember to the era that goes on. */
export async function readLedgers(
  client: WireClient,
  history: History,
): Promise<void> {
  const era = history.ledgerEras.at(-1);
  if (!era) {
    return;
  }
  for (const task of LEDGERED_TASKS) {
    const path = ledgerPath(task);
    if (!(await client.exists(path))) {
      continue;
    }
    const { data } = await client.getData(path);
    const { tick, open, past } = JSON.parse(data.toString()) as Document;
    era.lastTick.set(task, tick);
    for (const run of past) {
      era.runs.set(run.id, { ...run, task });
    }
    for (const run of open) {
      era.runs.set(run.id, { ...run, task, outcome: 'running' });
    }
  }
}
