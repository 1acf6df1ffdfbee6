import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import {
  currentLeaderTask,
  LeaderElection,
  LeaderElections,
  LeaderTasks,
  OnlyLeader,
  Partitions,
} from '../../../lib/index.js';
import { ZookeeperLeaderOtelModule } from '../../../lib/otel/index.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { waitFor } from '../../support/wait-for.js';

let spans: InMemorySpanExporter;
let metricExporter: InMemoryMetricExporter;
let tracerProvider: BasicTracerProvider;
let meterProvider: MeterProvider;

beforeEach(() => {
  context.setGlobalContextManager(
    new AsyncLocalStorageContextManager().enable(),
  );
  spans = new InMemorySpanExporter();
  tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(spans)],
  });
  metricExporter = new InMemoryMetricExporter(
    AggregationTemporality.CUMULATIVE,
  );
  meterProvider = new MeterProvider({
    readers: [
      new PeriodicExportingMetricReader({
        exporter: metricExporter,
        exportIntervalMillis: 3_600_000,
      }),
    ],
  });
});
afterEach(async () => {
  await closeApplications();
  await meterProvider.shutdown();
  await tracerProvider.shutdown();
  context.disable();
});

@Injectable()
class Reports {
  tries = 0;

  @OnlyLeader({ task: 'report', scheduled: false, ledger: true })
  async send(): Promise<string | undefined> {
    await Promise.resolve();
    const tracer = tracerProvider.getTracer('application');
    tracer.startSpan('query').end();
    return currentLeaderTask()?.runId;
  }

  @OnlyLeader({
    task: 'flaky',
    scheduled: false,
    retry: { attempts: 2, backoffMs: 1 },
  })
  async retry(): Promise<void> {
    this.tries += 1;
    if (this.tries === 1) {
      throw new RangeError('not yet');
    }
  }
}

async function start() {
  const app = await startApplication({
    options: { standalone: true, instanceId: 'here' },
    imports: [
      ZookeeperLeaderOtelModule.forRoot({ tracerProvider, meterProvider }),
    ],
    providers: [Reports],
  });
  await app.get(LeaderElection).waitForLeadership({ timeoutMs: 5_000 });
  return app;
}

function finished(name: string): ReadableSpan[] {
  return spans.getFinishedSpans().filter((span) => span.name === name);
}

describe('OpenTelemetry', () => {
  it('has a span for each run, of which what the task does is a part', async () => {
    const app = await start();
    await app.get(Reports).send();
    const [run] = await waitFor(() =>
      finished('run report').length === 1 ? finished('run report') : undefined,
    );
    const [term] = [app.get(LeaderElection).leadership];
    expect(run?.attributes).toMatchObject({
      'leader_task.name': 'report',
      'leader_task.attempt': 1,
      'leader_task.trigger': 'call',
      'leader_task.outcome': 'finished',
      'leader_election.name': 'default',
      'leader_election.instance_id': 'here',
      'leader_task.fencing_token':
        term.role === 'leader' ? term.term.fencingToken : undefined,
    });
    const [last] = await app.get(LeaderTasks).history('report');
    expect(run?.attributes['leader_task.run_id']).toBe(last?.id);
    const [query] = finished('query');
    expect(query?.parentSpanContext?.spanId).toBe(run?.spanContext().spanId);
    // The term is linked, and ends with the application.
    expect(finished('lead default')).toEqual([]);
    await app.close();
    const [lead] = finished('lead default');
    expect(run?.links[0]?.context.spanId).toBe(lead?.spanContext().spanId);
    expect(lead?.attributes['leader_election.reason']).toBe('shutdown');
  });

  it('tells each try, why it failed, and which one it follows', async () => {
    const app = await start();
    await app.get(Reports).retry();
    const [first, second] = await waitFor(() =>
      finished('run flaky').length === 2 ? finished('run flaky') : undefined,
    );
    expect(first).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'not yet' },
      attributes: {
        'error.type': 'RangeError',
        'leader_task.outcome': 'failed',
        'leader_task.will_retry': true,
      },
    });
    expect(first?.events[0]?.name).toBe('exception');
    expect(second?.attributes).toMatchObject({
      'leader_task.attempt': 2,
      'leader_task.outcome': 'finished',
    });
    expect(second?.links.map(({ context: { spanId } }) => spanId)).toContain(
      first?.spanContext().spanId,
    );
  });

  it('has spans that are part of the trace of who calls', async () => {
    const app = await start();
    const request = tracerProvider.getTracer('http').startSpan('POST /run');
    await context.with(trace.setSpan(context.active(), request), () =>
      app.get(LeaderTasks).runHere('report'),
    );
    request.end();
    const [run] = await waitFor(() =>
      finished('run report').length === 1 ? finished('run report') : undefined,
    );
    expect(run?.spanContext().traceId).toBe(request.spanContext().traceId);
    expect(run?.attributes['leader_task.trigger']).toBe('manual');
  });

  it('measures runs, skips, terms and who leads', async () => {
    const app = await start();
    await app.get(Reports).send();
    await app.get(LeaderElection).withdraw();
    await app.get(Reports).send();
    app.get(Partitions).of('mailboxes', 3);
    await meterProvider.forceFlush();
    const found = new Map(
      metricExporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap(({ metrics }) => metrics)
        .map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints]),
    );
    const task = { 'leader_task.name': 'report' };
    const election = { 'leader_election.name': 'default' };
    expect(found.get('leader_task.run.duration')).toMatchObject([
      {
        attributes: { ...task, 'leader_task.outcome': 'finished' },
        value: { count: 1 },
      },
    ]);
    expect(found.get('leader_task.skipped')).toMatchObject([
      {
        attributes: { ...task, 'leader_task.reason': 'not-leading' },
        value: 1,
      },
    ]);
    expect(found.get('leader_election.terms')).toMatchObject([
      { attributes: election, value: 1 },
    ]);
    expect(found.get('leader_election.leading')).toMatchObject([
      { attributes: election, value: 0 },
    ]);
    const group = { 'leader_partition.group': 'mailboxes' };
    for (const name of [
      'leader_partition.owned',
      'leader_partition.assigned',
    ]) {
      expect(found.get(name)).toMatchObject([{ attributes: group, value: 3 }]);
    }
  });

  it('keeps no election that the application disposes of', async () => {
    const elections = (await start()).get(LeaderElections);
    elections.get('once');
    await meterProvider.forceFlush();
    await elections.dispose('once');
    expect(elections.names).toEqual(['default']);
  });

  it('refuses what is no provider', () => {
    expect(() =>
      ZookeeperLeaderOtelModule.forRoot({ tracerProvider: {} as never }),
    ).toThrow('ZookeeperLeaderOtelModule: option tracerProvider');
  });
});
