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
const BODY = `
const options = {
  connectionString: process.env.CONNECTION_STRING,
  sessionTimeoutMs: ${SESSION_TIMEOUT_MS},
  ...JSON.parse(process.env.LEADER_OPTIONS),
};
class AppModule {}
Module({ imports: [ZookeeperLeaderModule.forRoot(options)] })(AppModule);
NestFactory.createApplicationContext(AppModule).then(() => {
  console.log(\`process \${process.pid} is ready\`);
});
`;
const IMPORTS = [
  ['Module', '@nestjs/common'],
  ['NestFactory', '@nestjs/core'],
  ['ZookeeperLeaderModule', 'nestjs-zookeeper-leader'],
];

/** An application of each build of the library. */
const APPLICATIONS = {
  esm: {
    file: 'dist/guarded.mjs',
    source: [
      "import 'reflect-metadata';",
      ...IMPORTS.map(([name, from]) => `import { ${name} } from '${from}';`),
      BODY,
    ],
    options: [],
  },
  cjs: {
    file: 'dist/guarded.cjs',
    source: [
      "require('reflect-metadata');",
      ...IMPORTS.map(
        ([name, from]) => `const { ${name} } = require('${from}');`,
      ),
      BODY,
    ],
    // With it, Node.js would take the ES modules also here.
    options: ['--no-experimental-require-module'],
  },
} as const;

export type GuardianForm = 'child' | 'run' | 'sidecar' | 'false';

/** Kills a leader, and looks whether its session is closed at once, or not. */
export async function expectSessionAfterKill(
  application: ConsumerApplication,
  server: ZookeeperServer,
  form: GuardianForm,
  build: keyof typeof APPLICATIONS,
): Promise<void> {
  const { connectionString } = server;
  const node = (args: string[], env = {}): RunningApplication =>
    application.spawn(connectionString, process.execPath, args, env);
  const { file, source, options } = APPLICATIONS[build];
  const main = path.join(application.directory, file);
  await writeFile(main, source.join('\n'));
  const folder = await mkdtemp(path.join(tmpdir(), 'packed-sidecar-'));
  const socket = path.join(folder, 'guardian.sock');
  const basePath = `/guardian-${build}-${form}`;
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
      [...(form === 'run' ? [CLI, 'run', '--', 'node'] : []), ...options, main],
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
