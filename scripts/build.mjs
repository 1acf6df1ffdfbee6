/**
 * `npm run build`: compiles lib/ twice, to ES modules (dist/esm) and to
 * CommonJS (dist/cjs).
 *
 * The result is built beside dist/ and swapped in when both passes succeeded:
 * a compile error never leaves half a build behind, and a test that forks a
 * process from dist/ in the meantime does not lose it for seconds.
 */
import { buildLibrary } from './support/build-library.mjs';
import { runMain } from './support/steps.mjs';

await runMain(buildLibrary);
