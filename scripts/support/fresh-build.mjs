import { buildLibrary, isBuildStale } from './build-library.mjs';

/**
 * jest's global setup. The tests run the sources, but the guardian is a
 * process of its own and runs the build: an old build would test old code.
 */
export default async function ensureFreshBuild() {
  if (await isBuildStale()) await buildLibrary({ check: false });
}
