import type { RunAnswer } from '../leader-task-info.interface.js';
import { isString, objectOf, optional } from '../ledger/ledger.js';

/** What the node of a request holds, as JSON. */
export interface RunRequest {
  readonly format: typeof FORMAT;
  readonly task: string;
  readonly requestedBy: string;
  /** Epoch milliseconds, by the clock of the one who asks. */
  readonly deadline: number;
  readonly isForced: boolean;
  /** Set by the leader that takes it, before it runs anything. */
  readonly claim?: {
    readonly id: string;
    readonly instanceId: string;
    readonly token: number;
  };
  readonly answer?: RunAnswer;
}

export const FORMAT = 'nestjs-zookeeper-leader/run-request/1';

const isRequest = objectOf<RunRequest>({
  format: (value) => value === FORMAT,
  task: isString,
  requestedBy: isString,
  deadline: Number.isFinite,
  isForced: (value) => typeof value === 'boolean',
  claim: optional(objectOf({})),
  answer: optional(objectOf({})),
});

/** Undefined if the data are no request: anybody may have written them. */
export function parseRequest(data: string): RunRequest | undefined {
  try {
    const request = JSON.parse(data) as RunRequest;
    return isRequest(request) ? request : undefined;
  } catch {
    return undefined;
  }
}
