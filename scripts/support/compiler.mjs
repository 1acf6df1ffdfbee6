import { installPackages, works } from './apt-get.mjs';

const tools = ['make', 'g++', 'python3'];

/**
 * The npm package `zookeeper` is compiled at its installation: it has prebuilt
 * files for macOS and Windows only. Where Debian packages can be installed, the
 * tools that are missing are; elsewhere the error says what to install.
 */
export async function ensureCompiler() {
  if (process.platform !== 'linux') return;
  const missing = tools.filter((tool) => !works(tool, '--version'));
  if (missing.length === 0) return;
  await installPackages(
    missing,
    'The npm package "zookeeper" is compiled at its installation.',
  );
}
