import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  chromium,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core';
import { ensureChromium } from '../../scripts/support/chromium.mjs';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A page, with what its console said and what it asked for elsewhere. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings of the console, and exceptions. */
  readonly problems: string[];
  /** Requests to other origins than its own. */
  readonly foreignRequests: string[];
}

/** A real Chromium without a window, with a profile of its own. */
export class Browser {
  static async start(): Promise<Browser> {
    const directory = await mkdtemp(path.join(tmpdir(), 'chromium-'));
    const context = await chromium.launchPersistentContext(directory, {
      executablePath: await ensureChromium(),
      headless: true,
      args: ARGUMENTS,
      viewport: { width: 1280, height: 900 },
    });
    return new Browser(context, directory);
  }

  private constructor(
    private readonly context: BrowserContext,
    private readonly directory: string,
  ) {}

  async open(
    url: string,
    look: Pick<BrowserContextOptions, 'colorScheme' | 'viewport'> = {},
  ): Promise<WatchedPage> {
    const page = await this.context.newPage();
    await page.emulateMedia({ colorScheme: look.colorScheme ?? 'light' });
    if (look.viewport) {
      await page.setViewportSize(look.viewport);
    }
    const problems: string[] = [];
    const foreignRequests: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) {
        problems.push(message.text());
      }
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== new URL(url).origin && protocol !== 'data:') {
        foreignRequests.push(request.url());
      }
    });
    await page.goto(url);
    return { page, problems, foreignRequests };
  }

  async close(): Promise<void> {
    await this.context.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}
