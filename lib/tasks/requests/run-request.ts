import type { RunAnswer } from '../leader-task-info.interface.js';
import { isObject, isOptional } from '../ledger/ledger.js';

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

/** Undefined if the data are no request: anybody may have written them. */
export function parseRequest(data: string): RunRequest | undefined {
  try {
    const request = JSON.parse(data) as RunRequest | null;
    const isRequest =
      request?.format === FORMAT &&
      typeof request.task === 'string' &&
      typeof request.requestedBy === 'string' &&
      Number.isFinite(request.deadline) &&
      typeof request.isForced === 'boolean' &&
      isOptional(request.claim, isObject) &&
      isOptional(request.answer, isObject);
    return isRequest ? request : undefined;
  } catch {
    return undefined;
  }
}
