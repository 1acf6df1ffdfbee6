import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  it,
} from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { register, Registry } from 'prom-client';
import {
  LeaderElection,
  LeaderElections,
  LeaderTasks,
  OnlyLeader,
  type ZookeeperLeaderModuleOptions,
} from '../../../lib/index.js';
import { ZookeeperLeaderMetricsModule } from '../../../lib/metrics/index.js';
import { inProject } from '../../../scripts/support/project.mjs';
import { ensurePromtool } from '../../../scripts/support/promtool.mjs';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

/** A panel of the Grafana dashboard. */
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: Record<'x' | 'y' | 'w' | 'h', number>;
  readonly targets: readonly { readonly expr: string }[];
}

const INSTALL_TIMEOUT_MS = 300_000;

let server: ZookeeperServer;
let promtool: string;

beforeAll(async () => {
  promtool = await ensurePromtool();
  server = await ZookeeperServer.start();
}, INSTALL_TIMEOUT_MS);
afterEach(closeApplications);
afterAll(() => server.close());

@Injectable()
class Reports {
  @OnlyLeader({ task: 'report', scheduled: false })
  async send(fails: boolean): Promise<void> {
    if (fails) {
      throw new Error('no paper');
    }
  }
}

@Injectable()
class Recorded {
  @OnlyLeader({ task: 'recorded', ledger: true, scheduled: false })
  async send(): Promise<void> {
    // Done.
  }
}

function startMeasured(
  registry: Registry,
  options: ZookeeperLeaderModuleOptions,
) {
  return startApplication({
    options: { connectionString: server.connectionString, ...options },
    imports: [ZookeeperLeaderMetricsModule.forRoot({ registry })],
    providers: [Reports, Recorded],
  });
}

/** Not on the Grafana dashboard, because a panel of it says as much. */
const LEFT_OUT = new Map([
  ['connection_changes_total', 'Connection to ZooKeeper'],
  ['event_loop_stalls_total', 'Time for which the event loop is blocked'],
  ['heartbeat_failures_total', 'Heartbeats and lease'],
  ['last_contact_timestamp_seconds', 'Heartbeats and lease'],
  ['terms_total', 'Terms ended, by reason'],
]);

/** The value of a sample; undefined if there is none. */
async function valueOf(
  registry: Registry,
  sample: string,
): Promise<number | undefined> {
  const lines = (await registry.metrics()).split('\n');
  const line = lines.find((each) => each.startsWith(`${sample} `));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

/** Runs promtool with `input`; resolves to its exit code and all it said. */
async function runPromtool(args: string[], input = '') {
  const child = spawn(promtool, args);
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, output: stdout + stderr };
}

describe('the metrics', () => {
  it('tell who leads, its terms, and how a hand-over went', async () => {
    const [of1, of2] = [new Registry(), new Registry()];
    const basePath = '/metrics-terms';
    const first = await startMeasured(of1, { basePath });
    const election = first.get(LeaderElection);
    await election.waitForLeadership({ timeoutMs: 10_000 });
    const second = await startMeasured(of2, { basePath });
    await waitFor(() => second.get(LeaderElection).leadership.role !== 'idle');

    const isLeader = 'nestjs_leader_is_leader{election="default"}';
    expect(await valueOf(of1, isLeader)).toBe(1);
    expect(await valueOf(of2, isLeader)).toBe(0);
    const state = 'nestjs_leader_connection_state{state="connected"}';
    expect(await valueOf(of2, state)).toBe(1);
    expect(
      await valueOf(of1, 'nestjs_leader_lease_remaining_seconds'),
    ).toBeGreaterThan(1);

    // Seen by the second, before the first goes.
    const leaderless = 'nestjs_leader_leaderless_seconds_total';
    await waitFor(async () => {
      const sample = `${leaderless}{election="default"}`;
      const before = await valueOf(of2, sample);
      return before !== undefined && before === (await valueOf(of2, sample));
    });
    await election.resign();
    await waitFor(async () => (await valueOf(of2, isLeader)) === 1);
    expect(await valueOf(of1, isLeader)).toBe(0);
    const ended =
      'nestjs_leader_terms_ended_total{election="default",reason="resigned"}';
    expect(await valueOf(of1, ended)).toBe(1);
    const handovers = 'nestjs_leader_handover_seconds_count';
    for (const [who, registry] of Object.entries({ of1, of2 })) {
      await waitFor(
        async () =>
          (await valueOf(registry, `${handovers}{election="default"}`)) === 1,
        { description: `the hand-over to be measured ${who}` },
      );
    }
    expect(
      await valueOf(of2, 'nestjs_leader_terms_total{election="default"}'),
    ).toBe(1);
  });

  it('count the time without a leader while there is none, and no longer', async () => {
    const registry = new Registry();
    const app = await startMeasured(registry, {
      basePath: '/metrics-leaderless',
      enabled: false,
    });
    const sample = 'nestjs_leader_leaderless_seconds_total{election="default"}';
    await waitFor(async () => ((await valueOf(registry, sample)) ?? 0) > 0.3);
    const leader = await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath: '/metrics-leaderless',
      },
    });
    await leader.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    await waitFor(async () => {
      const before = await valueOf(registry, sample);
      await new Promise((resolve) => setImmediate(resolve));
      return before === (await valueOf(registry, sample));
    });
    expect(app.get(LeaderElection).leadership.role).toBe('idle');
  });

  it('measure heartbeats, and count stalls of the event loop', async () => {
    const registry = new Registry();
    const app = await startMeasured(registry, {
      basePath: '/metrics-heartbeats',
      sessionTimeoutMs: 1_000,
    });
    await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    await waitFor(
      async () =>
        ((await valueOf(registry, 'nestjs_leader_heartbeat_seconds_count')) ??
          0) >= 2,
    );
    const until = performance.now() + 500;
    while (performance.now() < until) {
      // The event loop is blocked.
    }
    await waitFor(
      async () =>
        ((await valueOf(registry, 'nestjs_leader_event_loop_stalls_total')) ??
          0) >= 1,
    );
    const seconds = 'nestjs_leader_event_loop_stall_seconds_total';
    expect(await valueOf(registry, seconds)).toBeGreaterThan(0.2);
  });

  it('count runs by their outcome, and skips by their reason', async () => {
    const registry = new Registry();
    const app = await startMeasured(registry, { standalone: true });
    const failed =
      'nestjs_leader_task_runs_total{task="report",outcome="failed"}';
    expect(await valueOf(registry, failed)).toBe(0);

    await app.get(Reports).send(false);
    await app
      .get(Reports)
      .send(true)
      .catch(() => undefined);
    await waitFor(async () => (await valueOf(registry, failed)) === 1);
    const finished =
      'nestjs_leader_task_runs_total{task="report",outcome="finished"}';
    expect(await valueOf(registry, finished)).toBe(1);
    const durations =
      'nestjs_leader_task_duration_seconds_count{task="report"}';
    expect(await valueOf(registry, durations)).toBe(2);
    const lastSuccess =
      'nestjs_leader_task_last_success_timestamp_seconds{task="report"}';
    expect(
      Math.abs(
        Date.now() / 1000 - ((await valueOf(registry, lastSuccess)) ?? 0),
      ),
    ).toBeLessThan(10);

    await app.get(LeaderElection).withdraw();
    await app.get(Reports).send(false);
    const skips =
      'nestjs_leader_task_skips_total{task="report",reason="not-leading"}';
    expect(await valueOf(registry, skips)).toBe(1);
  });

  it('know the last success of before a restart from the ledger', async () => {
    const basePath = '/metrics-restart';
    const first = await startMeasured(new Registry(), { basePath });
    await first.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
    await first.get(Recorded).send();
    await waitFor(async () => {
      const [last] = await first.get(LeaderTasks).history('recorded');
      return last?.outcome === 'finished';
    });
    await first.close();
    const registry = new Registry();
    await startMeasured(registry, { basePath, enabled: false });
    const lastSuccess =
      'nestjs_leader_task_last_success_timestamp_seconds{task="recorded"}';
    const seconds = await waitFor(() => valueOf(registry, lastSuccess));
    expect(Math.abs(Date.now() / 1000 - (seconds ?? 0))).toBeLessThan(60);
  });

  it('are shared by applications that share a registry, also a cleared one', async () => {
    const registry = new Registry();
    const first = await startMeasured(registry, { standalone: true });
    await startMeasured(registry, { standalone: true });
    const isLeader = 'nestjs_leader_is_leader{election="default"}';
    await waitFor(async () => (await valueOf(registry, isLeader)) === 2);
    const terms = 'nestjs_leader_terms_total{election="default"}';
    expect(await valueOf(registry, terms)).toBe(2);
    await first.close();
    expect(await valueOf(registry, isLeader)).toBe(1);

    registry.clear();
    await startMeasured(registry, { standalone: true });
    expect(await valueOf(registry, isLeader)).toBe(1);
  });

  it('keep the number of series bounded, whatever elections are made up', async () => {
    const registry = new Registry();
    const app = await startMeasured(registry, { standalone: true });
    const elections = app.get(LeaderElections);
    for (let shard = 0; shard < 600; shard++) {
      elections.get(`shard-${shard}`);
    }
    const lines = (await registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith('nestjs_leader_is_leader{'));
    expect(lines).toHaveLength(501);
    expect(lines).toContain('nestjs_leader_is_leader{election="(other)"} 101');
  });

  it('forget a task that is disposed of when its last run has ended, and make room', async () => {
    const registry = new Registry();
    const app = await startMeasured(registry, { standalone: true });
    const election = app.get(LeaderElection);
    let end: () => void = () => undefined;
    const long = election.onlyLeader(
      () => new Promise<void>((resolve) => (end = resolve)),
      { task: 'long' },
    );
    const runs = long();
    long.dispose();
    await long();
    const running = 'nestjs_leader_task_running';
    const finished = (task: string): string =>
      `nestjs_leader_task_runs_total{task="${task}",outcome="finished"}`;
    end();
    await runs;
    await waitFor(
      async () => !(await registry.metrics()).includes('task="long"'),
      { description: 'the series of the task to be gone' },
    );
    for (let index = 0; index < 600; index += 1) {
      const short = election.onlyLeader(() => index, {
        task: `short-${index}`,
      });
      await short();
      short.dispose();
    }
    const present = election.onlyLeader(() => 1, { task: 'present' });
    await new Promise((resolve) => setImmediate(resolve));
    await present();
    expect(await valueOf(registry, finished('present'))).toBe(1);
    const series = await registry.metrics();
    expect(series).not.toContain('short-');
    expect(series).not.toContain('task="(other)"');
    expect(await valueOf(registry, `${running}{task="present"}`)).toBe(0);
  });

  it('are registered in the global registry by default, and pass promtool', async () => {
    const app = await startApplication({
      options: {
        connectionString: server.connectionString,
        basePath: '/metrics-served',
      },
      imports: [ZookeeperLeaderMetricsModule.forRoot()],
      providers: [Reports],
    });
    try {
      await app.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
      await app.get(Reports).send(false);
      const metrics = await register.metrics();
      expect(metrics).toContain(
        'nestjs_leader_is_leader{election="default"} 1',
      );
      expect(await runPromtool(['check', 'metrics'], metrics)).toEqual({
        code: 0,
        output: '',
      });
    } finally {
      register.clear();
    }
  });
});

describe('the documentation', () => {
  /** With what a histogram's samples are called. */
  const named = async (file: string): Promise<Set<string>> => {
    const content = await readFile(inProject('docs', file), 'utf8');
    const names = content.match(/nestjs_leader_\w+/g) ?? [];
    return new Set(names.map((name) => name.replace(/_(bucket|count)$/, '')));
  };

  it('names every metric, and none that does not exist', async () => {
    const registry = new Registry();
    await startMeasured(registry, { standalone: true });
    const existing = registry.getMetricsAsArray().map(({ name }) => name);
    expect([...(await named('operations.md'))].toSorted()).toEqual(
      existing.toSorted(),
    );
    for (const file of ['alerts.yml', 'grafana-dashboard.json']) {
      const unknown = await named(`operations/${file}`);
      expect([...unknown].filter((name) => !existing.includes(name))).toEqual(
        [],
      );
    }
  });
});

describe('the Grafana dashboard', () => {
  const content = (): Promise<string> =>
    readFile(inProject('docs/operations/grafana-dashboard.json'), 'utf8');
  const panels = async (): Promise<Panel[]> =>
    (JSON.parse(await content()) as { panels: Panel[] }).panels;

  it('shows every metric, or another panel that says as much', async () => {
    const registry = new Registry();
    await startMeasured(registry, { standalone: true });
    const shown = await content();
    const missing = registry
      .getMetricsAsArray()
      .map(({ name }) => name)
      .filter((name) => !new RegExp(`${name}(_bucket)?[{\\[]`).test(shown))
      .map((name) => name.replace('nestjs_leader_', ''));
    expect(missing.toSorted()).toEqual([...LEFT_OUT.keys()]);
    const titles = (await panels()).map(({ title }) => title);
    expect(titles).toEqual(expect.arrayContaining([...LEFT_OUT.values()]));
  });

  it('has queries that Prometheus understands', async () => {
    const queries = (await panels()).flatMap(({ targets }) =>
      targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m')),
    );
    const rules = queries.map((expr, index) => ({
      record: `query:${index}`,
      expr,
    }));
    const folder = await mkdtemp(path.join(tmpdir(), 'dashboard-'));
    const file = path.join(folder, 'rules.yml');
    await writeFile(
      file,
      JSON.stringify({ groups: [{ name: 'dashboard', rules }] }),
    );
    const { code, output } = await runPromtool(['check', 'rules', file]);
    await rm(folder, { recursive: true });
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringContaining(`${queries.length} rules found`),
    });
  });

  it('has panels of different numbers, none over another', async () => {
    const all = await panels();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const cells = all.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from(
        { length: w * h },
        (_, cell) => `${x + (cell % w)}:${y + Math.floor(cell / w)}`,
      ),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe('the alert rules', () => {
  const rules = inProject('docs/operations/alerts.yml');

  it('pass promtool', async () => {
    const { code, output } = await runPromtool(['check', 'rules', rules]);
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringMatching(/SUCCESS: \d+ rules found/),
    });
  });

  it('fire when they should, and only then', async () => {
    const tests = inProject('test/e2e/operations/alerts.test.yml');
    const { code, output } = await runPromtool(['test', 'rules', tests]);
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringContaining('SUCCESS'),
    });
  });
});
