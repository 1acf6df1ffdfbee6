// @ts-check
/**
 * The documentation as a static site: docs/, the READMEs of the samples and the
 * API reference, with a search that runs in the browser. `npm run docs` makes
 * it; the pages stay readable as plain files of the repository.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { description } = JSON.parse(
  readFileSync(path.join(root, 'package.json'), 'utf8'),
);

export default defineConfig({
  title: 'nestjs-zookeeper-leader',
  description,
  lang: 'en',
  // Pages of a repository are served below its name.
  base: process.env.SITE_BASE ?? '/',
  srcDir: '..',
  // Only what a reader looks for: everything else in the project is code.
  srcExclude: [
    'README.md',
    '{bench,compat,dist,lib,schematics,scripts,test}/**',
    '**/{node_modules,dist}/**',
  ],
  rewrites: { 'site/index.md': 'index.md' },
  outDir: path.join(root, 'site/dist'),
  cacheDir: path.join(root, 'node_modules/.cache/vitepress'),
  cleanUrls: true,
  lastUpdated: true,
  // A broken link between pages fails the build; links to source files are
  // turned into plain text below.
  ignoreDeadLinks: false,
  vite: { build: { chunkSizeWarningLimit: 2_000 } },
  markdown: {
    config(markdown) {
      markdown.core.ruler.push('repository-files', linksToPagesOnly);
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/docs/getting-started' },
      { text: 'Samples', link: '/sample/01-tipping-over/README' },
      { text: 'API', link: '/docs/api/' },
      { text: 'Changelog', link: '/CHANGELOG' },
    ],
    sidebar: [
      {
        text: 'Begin',
        items: pages('getting-started', 'tutorial', 'testing', 'deployment'),
      },
      {
        text: 'In depth',
        items: pages(
          'tasks',
          'partitions',
          'elections',
          'operations',
          'security',
          'troubleshooting',
          'compatibility',
        ),
      },
      {
        text: 'Decide',
        items: pages(
          'comparison',
          'migration',
          'safety',
          'reliability',
          'performance',
          'design',
        ),
      },
      { text: 'Samples', items: samples() },
      { text: 'API reference', link: '/docs/api/', items: [] },
    ],
  },
});

/**
 * Entries of the sidebar for the pages that exist, titled by their heading.
 *
 * @param {string[]} names
 */
function pages(...names) {
  return names
    .filter((name) => existsSync(path.join(root, 'docs', `${name}.md`)))
    .map((name) => ({
      text: headingOf(`docs/${name}.md`),
      link: `/docs/${name}`,
    }));
}

function samples() {
  return readdirSync(path.join(root, 'sample'))
    .filter((name) => existsSync(path.join(root, 'sample', name, 'README.md')))
    .map((name) => ({
      text: headingOf(`sample/${name}/README.md`),
      link: `/sample/${name}/README`,
    }));
}

/** @param {string} page */
function headingOf(page) {
  const text = readFileSync(path.join(root, page), 'utf8');
  return /^# (.+)$/m.exec(text)?.[1] ?? page;
}

/**
 * Drops links to files that are no page of the site, such as a Dockerfile: the
 * text stays.
 *
 * @param {any} state of markdown-it
 */
function linksToPagesOnly(state) {
  for (const { children } of state.tokens) {
    let isDropped = false;
    for (const token of children ?? []) {
      if (token.type === 'link_open') {
        isDropped = isRepositoryFile(token.attrGet('href') ?? '');
      }
      if (isDropped && /^link_(open|close)$/.test(token.type)) {
        token.type = 'text';
        token.content = '';
        token.hidden = true;
      }
    }
  }
}

/** @param {string} href */
function isRepositoryFile(href) {
  return (
    !/^([a-z]+:|#|\/)/.test(href) &&
    (!/\.md(#|$)/.test(href) || /(^|\/)(\.\.\/)?README\.md$/.test(href)) &&
    !/sample\/[^/]+\/README\.md$/.test(href)
  );
}
