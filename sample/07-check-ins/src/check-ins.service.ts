import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { LeaderTasks, type LeaderTaskEvent } from 'nestjs-zookeeper-leader';

/** Tells a service from outside of every run, in the style of healthchecks.io. */
@Injectable()
export class CheckIns implements OnModuleInit {
  private readonly logger = new Logger(CheckIns.name);
  private readonly url = process.env.CHECK_IN_URL;

  constructor(private readonly tasks: LeaderTasks) {}

  onModuleInit(): void {
    if (this.url !== undefined) {
      this.tasks.events$.subscribe((event) => void this.checkIn(event));
    }
  }

  private async checkIn(event: LeaderTaskEvent): Promise<void> {
    switch (event.type) {
      case 'started':
        return this.ping(event, '/start');
      case 'finished':
        return this.ping(event, '');
      case 'failed':
        return event.willRetry
          ? undefined
          : this.ping(event, '/fail', event.error);
      default:
        return undefined;
    }
  }

  /** A service that is out of reach must not be a failure of the task. */
  private async ping(
    { task, runId }: { readonly task: string; readonly runId: string },
    what: string,
    failure?: unknown,
  ): Promise<void> {
    try {
      const path = `${encodeURIComponent(task)}${what}?rid=${runId}`;
      await fetch(`${this.url}/${path}`, {
        method: 'POST',
        signal: AbortSignal.timeout(10_000),
        ...(what === '/fail' && { body: String(failure) }),
      });
    } catch (error) {
      this.logger.warn(`No check-in of "${task}": ${String(error)}`);
    }
  }
}
