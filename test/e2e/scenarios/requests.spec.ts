import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { systemClock } from '../../../lib/clock.js';
import { InstanceNode } from '../../../lib/session/instance-node.js';
import { WireClient } from '../../../lib/zookeeper/wire-client.js';
import { NodePaths } from '../../../lib/node-paths.js';
import { SessionLease } from '../../../lib/session/session-lease.js';
import { LeadershipLog } from '../../../lib/election/leadership-log.js';
import { listTasks } from '../../../lib/foreign-leader/participant-tasks.js';
import { ZookeeperElection } from '../../../lib/election/zookeeper-election.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

/** So long that heartbeats and pings are too few to count. */
const SESSION_TIMEOUT_MS = 600_000;
const SESSIONS = 4;

let server: ZookeeperServer;
let clients: WireClient[];
let leases: SessionLease[];
const paths = new NodePaths('/requests');

beforeAll(async () => {
  server = await ZookeeperServer.start({
    maxSessionTimeoutMs: SESSION_TIMEOUT_MS,
  });
  clients = Array.from(
    { length: SESSIONS },
    () =>
      new WireClient({
        servers: [{ host: '127.0.0.1', port: server.port }],
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        acl: 'open',
        paths,
      }),
  );
  leases = clients.map((client, index) => {
    const identity = { instanceId: `I${index}`, host: 'test', pid: 1 };
    const node = new InstanceNode(client, paths, identity, 'test');
    return new SessionLease({
      client,
      clock: systemClock,
      requestedSessionTimeoutMs: SESSION_TIMEOUT_MS,
      maxStallMs: SESSION_TIMEOUT_MS,
      writeHeartbeat: () => node.write(),
    });
  });
  await Promise.all(clients.map((client) => client.start()));
  await waitFor(
    () => clients.every(({ connection }) => connection.state === 'connected'),
    {
      description: 'all sessions',
    },
  );
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.close();
});

/** A participant through one of the sessions. */
function participant(
  name: string,
  session: number,
  instanceId: string,
): ZookeeperElection {
  return new ZookeeperElection({
    name,
    path: paths.election(name),
    client: clients[session] as WireClient,
    lease: leases[session] as SessionLease,
    identity: { instanceId, host: 'test', pid: 1 },
    connectionLossPolicy: 'hold-lease',
    isEnabled: true,
    priority: 0,
    favourite$: undefined,
    // More than fit into an entry: that costs no request.
    tasks: () => listTasks(Array.from({ length: 100 }, (_, n) => `task-${n}`)),
    drain: async () => undefined,
    guard: (_election, task) =>
      Object.assign(task, { dispose: () => undefined }),
    reporter: new LeadershipLog(
      new Logger(),
      instanceId,
      () => leases[session],
    ).reporter(name, ''),
    onAwaited: () => undefined,
  });
}

/** Participants of one election, each a real one, spread over the sessions. */
async function join(name: string, count: number): Promise<ZookeeperElection[]> {
  const elections = Array.from({ length: count }, (_, index) =>
    participant(name, index % SESSIONS, `P${index}`),
  );
  for (const election of elections) {
    election.enter();
    await waitFor(() => election.leadership.role !== 'idle', {
      description: 'a participant to join',
    });
  }
  return elections;
}

/** What the server has received besides our questions about it. */
let questions = 0;
let packetsPerQuestion = 0;

async function packets(): Promise<number> {
  const { packets_received: received = 0 } = await server.counters();
  const own = questions * packetsPerQuestion;
  questions += 1;
  return received - own;
}

/** The number of packets that the server has received, once it rests. */
async function packetsAtRest(): Promise<number> {
  let last = -1;
  let quietLooks = 0;
  await waitFor(
    async () => {
      const now = await packets();
      quietLooks = now === last ? quietLooks + 1 : 0;
      last = now;
      return quietLooks > 20;
    },
    { description: 'the server to rest' },
  );
  return last;
}

it('a hand-over costs the same number of requests among 2 and among 1,000 participants', async () => {
  // Something else may happen between two questions, but not between all.
  const answers: number[] = [];
  while (answers.length < 20) {
    answers.push(await packets());
  }
  packetsPerQuestion = Math.min(
    ...answers.slice(1).map((answer, i) => answer - (answers[i] as number)),
  );
  questions = 0;
  const requests: Record<number, number> = {};
  for (const count of [2, 10, 100, 1_000]) {
    const elections = await join(`with-${count}`, count);
    const before = await packetsAtRest();
    await elections[0]?.withdraw();
    await waitFor(() => elections[1]?.isLeader(), {
      description: 'the next one to lead',
    });
    requests[count] = (await packetsAtRest()) - before;
    await Promise.all(elections.map((election) => election.withdraw()));
  }
  process.stdout.write(`requests per hand-over: ${JSON.stringify(requests)}\n`);
  const counts = Object.values(requests);
  // The delete, what the new leader writes and reads, and what the next in line
  // reads; now and then a ping among them.
  expect(Math.max(...counts)).toBeLessThan(16);
  expect(
    Math.abs((requests[1_000] as number) - (requests[10] as number)),
  ).toBeLessThan(4);
});

it('elections that begin together all lead, and all say so and watch their nodes', async () => {
  const elections = Array.from({ length: 100 }, (_, index) =>
    participant(`together-${index}`, 0, 'P'),
  );
  for (const election of elections) {
    election.enter();
  }
  await waitFor(() => elections.every((election) => election.isLeader()), {
    description: 'all to lead',
  });
  const leaders = await waitFor(
    async () => {
      const found = await Promise.all(
        elections.map(async (election) => (await election.participants())[0]),
      );
      return found.every((leader) => leader?.leaderSince) && found;
    },
    { description: 'all to have said so' },
  );
  const reasons = elections.map((election) => {
    const seen: string[] = [];
    election.leadership$.subscribe(({ reason }) => seen.push(reason));
    return seen;
  });
  const outsider = clients[1] as WireClient;
  await Promise.all(
    elections.map(({ name }, index) =>
      outsider.delete(`${paths.election(name)}/${leaders[index]?.node}`),
    ),
  );
  await waitFor(() => reasons.every((seen) => seen.includes('node-deleted')), {
    description: 'all to have noticed that their nodes are gone',
  });
  await Promise.all(elections.map((election) => election.withdraw()));
});
