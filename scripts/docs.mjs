/**
 * `npm run docs`: builds the documentation site into site/dist: the API
 * reference from the doc comments, then all pages. A broken link fails it.
 */
import { step, runMain, runNode } from './support/steps.mjs';
import { inProject } from './support/project.mjs';

await runMain(async () => {
  await step('API reference', () =>
    runNode([inProject('node_modules/typedoc/bin/typedoc')]),
  );
  await step('Site', () =>
    runNode([
      inProject('node_modules/vitepress/bin/vitepress.js'),
      'build',
      'site',
    ]),
  );
});
