import { existsSync } from 'node:fs';
import { installPackages } from './apt-get.mjs';

/** Where Debian, Ubuntu and macOS have it. */
const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * The browser that the dashboard is tested in; Debian's is installed where none
 * is found.
 *
 * @returns {Promise<string>} its path
 */
export async function ensureChromium() {
  const found = places.find((place) => existsSync(place));
  if (found) return found;
  await installPackages(
    ['chromium'],
    'The dashboard is tested in a real browser.',
  );
  return '/usr/bin/chromium';
}
