// @ts-check
/**
 *   node run-with-parent.mjs <script> <arguments>
 *
 * Runs a script that must not outlive the test which started it, even if the test
 * itself is killed. The channel to the test does not keep the script alive. (Not
 * preloaded with --import: processes that the script forks would inherit that.)
 */
import { pathToFileURL } from 'node:url';

process.channel?.unref();
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1] ?? '').href);
