import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { works } from './apt-get.mjs';
import { inProject } from './project.mjs';
import { run, StepFailedError } from './steps.mjs';

const cached = inProject('node_modules/.cache/promtool');

/**
 * The checker of Prometheus' own formats. Where it is missing it is taken out of
 * the package of Debian or Ubuntu, which is not installed: that would start a
 * server.
 *
 * @returns {Promise<string>} the command
 */
export async function ensurePromtool() {
  if (works('promtool', '--version')) return 'promtool';
  if (existsSync(cached)) return cached;
  const directory = await mkdtemp(path.join(tmpdir(), 'promtool-'));
  try {
    const options = { cwd: directory };
    await run('apt-get', ['-q', 'download', 'prometheus'], options);
    const [archive = ''] = await readdir(directory);
    await run('dpkg-deb', ['-x', archive, 'files'], options);
    await mkdir(path.dirname(cached), { recursive: true });
    // In one step: another process may look for it.
    const partial = `${cached}-${process.pid}`;
    await run('cp', ['files/usr/bin/promtool', partial], options);
    await rename(partial, cached);
    return cached;
  } catch (error) {
    throw new StepFailedError(
      `The metrics are checked with promtool (${String(error)}). ` +
        'Install Prometheus and try again.',
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
