import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { inProject } from '../../scripts/support/project.mjs';

/** The command line, as it is built. */
export const CLI = inProject('dist/esm/cli/cli.main.js');

export interface CliResult {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs the command line to its end.
 *
 * @param env in addition to the environment of the test
 */
export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CliResult> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { exitCode: exitCode as number, out, err };
}
