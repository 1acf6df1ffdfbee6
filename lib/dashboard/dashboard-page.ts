import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pageModule from './page/page-path.cjs';

/** In this order: each uses what stands before it. */
const SCRIPTS = [
  'dom.js',
  'morph.js',
  'time.js',
  'view.js',
  'verdict.js',
  'actions.js',
  'elections.js',
  'partitions.js',
  'timeline.js',
  'runs.js',
  'tasks.js',
  'instances.js',
  'main.js',
];

export interface DashboardPage {
  readonly html: string;
  /** Allows what is in the page, and nothing else. */
  readonly contentSecurityPolicy: string;
}

let page: DashboardPage | undefined;

/** The page with its style and script in it; read once. */
export function dashboardPage(): DashboardPage {
  page ??= assemble();
  return page;
}

function assemble(): DashboardPage {
  const style = read('page.css');
  const script = `'use strict';(() => {\n${SCRIPTS.map(read).join('\n')}\n})();`;
  const html = read('page.html')
    .replace(/<style>.*?<\/style>/s, () => `<style>${style}</style>`)
    .replace(/<script>.*?<\/script>/s, () => `<script>${script}</script>`);
  return {
    html,
    contentSecurityPolicy: [
      "default-src 'none'",
      `script-src '${hashOf(script)}'`,
      `style-src '${hashOf(style)}'`,
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}

function read(name: string): string {
  return readFileSync(join(pageModule.pageDirectory, name), 'utf8');
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
