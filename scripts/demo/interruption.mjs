// @ts-check
import { constants } from 'node:os';
import { StepFailedError } from '../support/steps.mjs';

/**
 * Ctrl-C, a terminal that goes away, or a reader of the output who has seen
 * enough: the signal aborts, and what was started ends in good order. A
 * second Ctrl-C ends the process as usual.
 *
 * @returns {AbortSignal} its reason is a StepFailedError
 */
export function listenForInterruption() {
  const controller = new AbortController();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      const exitCode = 128 + constants.signals[signal];
      controller.abort(
        new StepFailedError(`Ended early, by ${signal}.`, exitCode),
      );
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      controller.abort(
        new StepFailedError('Nobody reads the output any more.'),
      );
    });
  }
  return controller.signal;
}
