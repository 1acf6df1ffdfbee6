import {
  Get,
  Inject,
  type OnModuleDestroy,
  Res,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { dashboardPage } from './dashboard-page.js';
import { DashboardState } from './dashboard-state.js';
import { EventStream } from './event-stream.js';
import { rawResponse, send } from './http-response.js';

/** Browsers that may follow one instance at a time. */
const MOST_STREAMS = 200;

/** The page, its data for scripts, and its live data. */
export class DashboardController implements OnModuleDestroy {
  readonly #state: DashboardState;
  readonly #streams = new Set<EventStream>();
  #isClosing = false;

  constructor(@Inject(DashboardState) state: DashboardState) {
    this.#state = state;
  }

  @Get()
  page(@Res() response: ServerResponse): void {
    const { html, contentSecurityPolicy } = dashboardPage();
    send(response, html, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': contentSecurityPolicy,
      'Referrer-Policy': 'no-referrer',
    });
  }

  @Get('api/state')
  async state(@Res() response: ServerResponse): Promise<void> {
    send(response, JSON.stringify(await this.#state.read()), {
      'Content-Type': 'application/json; charset=utf-8',
    });
  }

  @Get('api/events')
  events(@Res() response: ServerResponse): void {
    if (this.#isClosing || this.#streams.size >= MOST_STREAMS) {
      throw new ServiceUnavailableException('Too many browsers follow already');
    }
    const stream = new EventStream(rawResponse(response), this.#state.parts);
    const release = this.#state.use();
    this.#streams.add(stream);
    stream.open(() => {
      this.#streams.delete(stream);
      release();
    });
  }

  /** A server waits for open responses before it closes: these never end. */
  onModuleDestroy(): void {
    this.#isClosing = true;
    for (const stream of this.#streams) {
      stream.close();
    }
  }
}
