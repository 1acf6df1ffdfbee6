import { spawnSync } from 'node:child_process';
import { run, StepFailedError } from './steps.mjs';

const tools = ['make', 'g++', 'python3'];

/** Another installation in progress is waited for. */
const waitForLock = ['-o', 'DPkg::Lock::Timeout=300'];

/**
 * The npm package `zookeeper` is compiled at its installation: it has prebuilt
 * files for macOS and Windows only. Where Debian packages can be installed, the
 * tools that are missing are; elsewhere the error says what to install.
 */
export async function ensureCompiler() {
  if (process.platform !== 'linux') return;
  const missing = tools.filter((tool) => !works(tool));
  if (missing.length === 0) return;

  const asRoot = rootCommand();
  if (!works('apt-get') || !asRoot) {
    throw new StepFailedError(
      `The npm package "zookeeper" is compiled at its installation. ` +
        `Install ${missing.join(', ')} and try again.`,
    );
  }
  console.log(`Installing ${missing.join(', ')} ...`);
  const [command, ...args] = [...asRoot, 'apt-get', '-q', ...waitForLock];
  // An update may fail for a foreign source: the installation decides.
  await run(command, [...args, 'update']).catch(() => undefined);
  await run(command, [
    ...args,
    'install',
    '-y',
    '--no-install-recommends',
    ...missing,
  ]);
}

/** What runs a command as root without a question, if anything does. */
function rootCommand() {
  const quietly = ['env', 'DEBIAN_FRONTEND=noninteractive'];
  if (process.getuid?.() === 0) return quietly;
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' });
  return sudo.status === 0 ? ['sudo', '-n', ...quietly] : undefined;
}

function works(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}
