import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from '@jest/globals';
import { waitFor } from '../support/wait-for.js';
import { WireClient } from '../support/wire-client.js';
import type { ZookeeperServer } from '../support/zookeeper-server.js';
import type {
  ConsumerApplication,
  RunningApplication,
} from './consumer-application.js';
import { untilItSays } from './expect-clean-run.js';

/** So long that no session in these tests ends by it. */
const SESSION_TIMEOUT_MS = 20_000;
const CLI = 'node_modules/nestjs-zookeeper-leader/dist/esm/cli/cli.main.js';
const MAIN = `import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';

const options = {
  connectionString: process.env.CONNECTION_STRING,
  sessionTimeoutMs: ${SESSION_TIMEOUT_MS},
  ...JSON.parse(process.env.LEADER_OPTIONS),
};
class AppModule {}
Module({ imports: [ZookeeperLeaderModule.forRoot(options)] })(AppModule);
await NestFactory.createApplicationContext(AppModule);
console.log(\`process \${process.pid} is ready\`);
`;

export type GuardianForm = 'child' | 'run' | 'sidecar' | 'false';

/** Kills a leader, and looks whether its session is closed at once. */
export async function expectSessionAfterKill(
  application: ConsumerApplication,
  server: ZookeeperServer,
  form: GuardianForm,
): Promise<void> {
  const { connectionString } = server;
  const node = (args: string[], env = {}): RunningApplication =>
    application.spawn(connectionString, process.execPath, args, env);
  const main = path.join(application.directory, 'dist/guarded.mjs');
  await writeFile(main, MAIN);
  const folder = await mkdtemp(path.join(tmpdir(), 'packed-sidecar-'));
  const socket = path.join(folder, 'guardian.sock');
  const basePath = `/guardian-${form}`;
  const client = await WireClient.connect({ port: server.port });
  const running: RunningApplication[] = [];
  try {
    if (form === 'sidecar') {
      const sidecar = node([CLI, 'guardian', '--listen', socket]);
      running.push(sidecar);
      await untilItSays(sidecar, 'listens at');
    }
    const guardian = { sidecar: { socket }, false: false } as const;
    const leader = node(
      [...(form === 'run' ? [CLI, 'run', '--', 'node'] : []), main],
      {
        LEADER_OPTIONS: JSON.stringify({
          basePath,
          ...((form === 'sidecar' || form === 'false') && {
            guardian: guardian[form],
          }),
        }),
      },
    );
    running.push(leader);
    await untilItSays(leader, /process \d+ is ready/);
    await untilItSays(leader, 'leads the election');
    expect(leader.output.includes('The option guardian is false')).toBe(
      form === 'false',
    );
    const [, pid] = /process (\d+) is/.exec(leader.output) ?? [];
    process.kill(Number(pid), 'SIGKILL');
    await leader.exitCode;
    const hasSession = async (): Promise<boolean> =>
      (await client.tree(basePath)).some(
        ({ stat }) => BigInt(`0x${stat.ephemeralOwner}`) !== 0n,
      );
    if (form === 'false') {
      expect(await hasSession()).toBe(true);
    } else {
      await waitFor(async () => !(await hasSession()), {
        description: 'the end of the session',
        timeoutMs: SESSION_TIMEOUT_MS / 4,
      });
    }
  } finally {
    await Promise.all(running.map((each) => each.kill()));
    await client.close();
    await rm(folder, { recursive: true, force: true });
  }
}
