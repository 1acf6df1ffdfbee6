// @ts-check
/**
 *   node run-with-parent.mjs <script> <arguments>
 *
 * Runs a script that must not outlive the process which started it, even if that
 * is killed. The channel to it does not keep the script alive. (Not preloaded
 * with --import: processes that the script forks would inherit that.)
 */
import { pathToFileURL } from 'node:url';

process.channel?.unref();
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.argv.splice(1, 1);
await import(pathToFileURL(process.argv[1] ?? '').href);
