import { Logger } from '@nestjs/common';
import { messageOf } from './message-of.js';
import { LOG_CONTEXT } from './zookeeper-leader.constants.js';

let hasWarned = false;

/** Logs to the application's logger. One that throws stops no election and no task. */
export class LibraryLogger extends Logger {
  constructor() {
    super(LOG_CONTEXT);
  }

  override log(message: unknown, ...others: unknown[]): void {
    guarded(() => super.log(message, ...others));
  }

  override warn(message: unknown, ...others: unknown[]): void {
    guarded(() => super.warn(message, ...others));
  }

  override error(message: unknown, ...others: unknown[]): void {
    guarded(() => super.error(message, ...others));
  }
}

/** What cannot be logged is told once, in the way that is left. */
function guarded(log: () => void): void {
  try {
    log();
  } catch (error) {
    if (!hasWarned) {
      hasWarned = true;
      process.emitWarning(
        `The application's logger has thrown: ${messageOf(error)}. Log lines of ` +
          'nestjs-zookeeper-leader are lost.',
      );
    }
  }
}
