import type { ApplicationSettings } from './protocol.js';

export const settings = JSON.parse(
  process.env.SETTINGS ?? '{}',
) as ApplicationSettings;

/** A build of the run's own, which may be broken, or an earlier one. */
export const library = (await import(
  settings.library
)) as typeof import('../../../lib/index.js');
