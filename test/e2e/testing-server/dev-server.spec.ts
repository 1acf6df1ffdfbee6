import { afterEach, expect, it } from '@jest/globals';
import { LeaderElection } from '../../../lib/index.js';
import { inProject } from '../../../scripts/support/project.mjs';
import { fourLetterWord } from '../../../scripts/zookeeper/four-letter-word.mjs';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { ProcessInstance } from '../../support/process-instance.js';

const bin = inProject('dist/esm/cli/cli.main.js');

afterEach(async () => {
  await closeApplications();
  await ProcessInstance.closeAll();
});

/** Runs `dev-server` as a developer does in a terminal. */
function devServer(
  args: readonly string[],
  env: Record<string, string> = {},
): ProcessInstance {
  return new ProcessInstance(bin, { args: ['dev-server', ...args], env });
}

/** The port that it has said. */
async function portOf(instance: ProcessInstance): Promise<number> {
  const line = await instance.waitForLine(/ZOOKEEPER_CONNECTION_STRING=/);
  const [, port] = /=127\.0\.0\.1:(\d+)\b/.exec(line) ?? [];
  return Number(port);
}

it('serves an application that finds it as it says, until it is interrupted', async () => {
  const instance = devServer(['--port', '0']);
  const port = await portOf(instance);
  expect(instance.lines[0]).toMatch(
    /^A fake ZooKeeper for development serves on .* Not for production\.$/,
  );
  const app = await startApplication({
    options: { connectionString: `127.0.0.1:${port}` },
  });
  const election = app.get(LeaderElection);
  await election.waitForLeadership({ timeoutMs: 10_000 });
  expect(election.isLeader()).toBe(true);
  await closeApplications();

  process.kill(instance.pid, 'SIGINT');
  expect(await instance.exited).toEqual({ code: 0, signal: null });
  expect(instance.stderr).toBe('');
});

it('ends with an application still connected', async () => {
  const instance = devServer(['--port', '0']);
  const app = await startApplication({
    options: { connectionString: `127.0.0.1:${await portOf(instance)}` },
  });
  await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
  process.kill(instance.pid, 'SIGTERM');
  expect(await instance.exited).toEqual({ code: 0, signal: null });
});

it.each(['3.8', '3.9'])(
  'stands in for ZooKeeper %s if asked to',
  async (release) => {
    const instance = devServer(['--port', '0', '--release', release]);
    const port = await portOf(instance);
    expect(await fourLetterWord(port, 'srvr')).toMatch(
      new RegExp(`^Zookeeper version: ${release}\\b`),
    );
  },
);

it('names the port that is taken, and the option for another one', async () => {
  const port = await portOf(devServer(['--port', '0']));
  const second = devServer(['--port', String(port)]);
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.stderr).toContain(`Port ${port} is taken`);
  expect(second.stderr).toContain('--port');
});

it.each<
  [what: string, args: string[], env: Record<string, string>, message: string]
>([
  ['a port beyond the last', ['--port', '70000'], {}, 'from 0 to 65535'],
  [
    'a release that it does not know',
    ['--release', '3.4'],
    {},
    "'3.8' or '3.9'",
  ],
  [
    'an option that it does not have',
    ['--quorum'],
    {},
    "unknown option '--quorum'",
  ],
  [
    'to start in production',
    ['--port', '0'],
    { NODE_ENV: 'production' },
    'Use a real ZooKeeper there',
  ],
])('refuses %s', async (_what, args, env, message) => {
  const instance = devServer(args, env);
  expect(await instance.exited).toEqual({ code: 2, signal: null });
  expect(instance.stderr).toContain(message);
});
