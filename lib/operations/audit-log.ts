import { nameIn } from '../untrusted-data.js';
import { createNode, readFresh, type Nodes } from '../session/nodes.js';
import { isZookeeperError } from '../zookeeper/zookeeper.error.js';

/** What people do to a cluster from outside. */
export type AuditedAction =
  | 'hand-over'
  | 'run-task'
  | 'run-here'
  | 'pause-task'
  | 'resume-task'
  | 'drain'
  | 'undrain'
  | 'remove-ledger';

/** What somebody has done. */
export interface AuditEntry {
  readonly at: Date;
  readonly action: AuditedAction;
  /** The election, task or instance. */
  readonly target: string;
  /** Who did it. */
  readonly by: string;
  /** From where: a dashboard or a command line. */
  readonly from: string;
  /** What became of it, in a sentence. */
  readonly outcome: string;
}

const FORMAT = 'nestjs-zookeeper-leader/audit/1';
const MOST_ENTRIES = 100;
const LONGEST_TEXT = 200;
/** As often as that somebody else may be faster. */
const MOST_ATTEMPTS = 20;

/** Writes an entry into the one node that keeps the last hundred. */
export async function recordAction(
  { client, paths }: Nodes,
  entry: AuditEntry,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const content = await readFresh(client, paths.audit);
    const entries = [...(content ? parseAudit(content.data) : []), entry];
    const data = JSON.stringify({
      format: FORMAT,
      entries: entries.slice(-MOST_ENTRIES).map(shortened),
    });
    try {
      if (content) {
        await client.set(paths.audit, data, content.stat.version);
      } else {
        await createNode(client, paths.base, paths.audit, data);
      }
      return;
    } catch (error) {
      const isOutrun = isZookeeperError(
        error,
        'BAD_VERSION',
        'NODE_EXISTS',
        'NO_NODE',
      );
      if (!isOutrun || attempt >= MOST_ATTEMPTS) {
        throw error;
      }
    }
  }
}

/** The entries, the oldest first; none of what is no entry. */
export function parseAudit(data: string): AuditEntry[] {
  try {
    const { entries } = JSON.parse(data) as { entries?: unknown };
    return Array.isArray(entries)
      ? entries.slice(-MOST_ENTRIES).flatMap((each) => parseEntry(each) ?? [])
      : [];
  } catch {
    return [];
  }
}

function parseEntry(value: unknown): AuditEntry | undefined {
  const fields = (value ?? {}) as Record<string, unknown>;
  const at = new Date(typeof fields.at === 'string' ? fields.at : NaN);
  const [action, target, by, from, outcome] = [
    fields.action,
    fields.target,
    fields.by,
    fields.from,
    fields.outcome,
  ].map(nameIn);
  return Number.isNaN(at.getTime()) ||
    action === undefined ||
    target === undefined
    ? undefined
    : {
        at,
        action: action as AuditedAction,
        target,
        by: by ?? '(unknown)',
        from: from ?? '(unknown)',
        outcome: outcome ?? '',
      };
}

/** Short texts in one line each: 100 of them stay far below a node's limit. */
function shortened(entry: AuditEntry): AuditEntry {
  const line = (text: string): string =>
    text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, LONGEST_TEXT);
  return {
    at: entry.at,
    action: entry.action,
    target: line(entry.target),
    by: line(entry.by),
    from: line(entry.from),
    outcome: line(entry.outcome),
  };
}
