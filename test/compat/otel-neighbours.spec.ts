import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { inProject } from '../../scripts/support/project.mjs';
import { packLibrary } from '../packaging/consumer-application.js';
import { installNode, type NodeRelease } from './node-release.js';

const execute = promisify(execFile);
const TIMEOUT_MS = 600_000;
/** They want Node.js 22, and the instrumentation no Nest 12 yet. */
const NEIGHBOURS = [
  'nestjs-otel@8.1.1',
  '@opentelemetry/instrumentation-nestjs-core@0.71.0',
  '@opentelemetry/instrumentation',
  '@opentelemetry/api@1',
  '@opentelemetry/context-async-hooks@2',
  '@opentelemetry/sdk-metrics@2',
  '@opentelemetry/sdk-trace-base@2',
  'reflect-metadata@0.2',
  'rxjs@7',
];

let directory: string;
let packed: string;
let node: NodeRelease;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'otel-neighbours-'));
  packed = await packLibrary(directory);
  node = await installNode('22', directory);
}, TIMEOUT_MS);
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What the application in test/fixtures/otel-neighbours prints. */
async function run(
  nest: string,
): Promise<{ spans: string[]; metrics: string[] }> {
  const cwd = path.join(directory, `nest-${nest}`);
  await cp(inProject('test/fixtures/otel-neighbours'), cwd, {
    recursive: true,
  });
  await writeFile(path.join(cwd, 'package.json'), '{"private":true}');
  const core = ['common', 'core', 'platform-express'].map(
    (name) => `@nestjs/${name}@${nest}`,
  );
  await execute(
    'npm',
    // npm itself runs with an older Node.js than the application.
    [
      'install',
      '--no-audit',
      '--no-fund',
      '--legacy-peer-deps',
      packed,
      ...core,
      ...NEIGHBOURS,
    ],
    { cwd },
  );
  const { stdout } = await execute(
    node.executable,
    [
      '--no-warnings',
      '--experimental-loader=@opentelemetry/instrumentation/hook.mjs',
      'main.mjs',
    ],
    { cwd },
  );
  return JSON.parse(stdout) as { spans: string[]; metrics: string[] };
}

it.each([
  ['11', 'Web.hit > hit > run send'],
  ['12', 'run send'],
])(
  'with Nest %s spans of the library, of nestjs-otel and of the instrumentation are one trace',
  async (nest, outermost) => {
    const { spans, metrics } = await run(nest);
    expect(spans).toContain(`${outermost} > s > charge`);
    expect(spans).toContain('r > run refund > charge');
    expect(metrics).toEqual(
      expect.arrayContaining(['leader_task.run.duration']),
    );
  },
  TIMEOUT_MS,
);
