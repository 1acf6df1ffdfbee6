import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
} from '@jest/globals';
import { ProcessInstance } from '../support/process-instance.js';
import { isRunning, processEntry } from '../support/process-table.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { WireClient } from '../support/wire-client.js';
import { ZookeeperEnsemble } from '../support/zookeeper-ensemble.js';
import { ZookeeperServer } from '../support/zookeeper-server.js';

describe('a ZooKeeper server of the tests', () => {
  let server: ZookeeperServer;

  beforeAll(async () => {
    server = await ZookeeperServer.start();
  });

  afterAll(async () => {
    await server.close();
  });

  it('keeps its data and its sessions over kill -9', async () => {
    const { port } = server;
    const client = await WireClient.connect({ port });
    await client.create('/kept', { data: 'data' });
    await client.create('/kept/ephemeral', { ephemeral: true });

    await server.restart();

    const { sessionId, password } = client;
    const again = await WireClient.connect({ port, sessionId, password });
    const paths = (await again.tree('/kept')).map(({ path }) => path);
    expect(paths).toEqual(['/kept', '/kept/ephemeral']);
    await again.close();
  });

  it('comes back empty after a wipe', async () => {
    const { port } = server;
    const client = await WireClient.connect({ port });
    await client.create('/wiped');
    await server.stop();
    await server.wipe();
    await server.start();

    const again = await WireClient.connect({ port });
    expect(await again.exists('/wiped')).toBeUndefined();
    await again.close();
  });

  it('answers nobody while it is paused', async () => {
    const client = await WireClient.connect({ port: server.port });
    await server.pause();
    let answered = false;
    const answer = client.exists('/').then(() => {
      answered = true;
    });
    await expect(
      waitFor(() => answered, { timeoutMs: 100, description: 'an answer' }),
    ).rejects.toThrow('Timed out after 100 ms waiting for an answer');

    server.resume();
    await answer;
    await client.close();
  });

  it('tells what it has received and which sessions own what', async () => {
    const client = await WireClient.connect({ port: server.port });
    const before = await server.counters();
    await client.create('/owned', { ephemeral: true });
    const after = await server.counters();
    expect(after['packets_received']).toBeGreaterThan(
      before['packets_received'] ?? Infinity,
    );
    expect((await server.sessions()).get(client.sessionId)).toEqual({
      ephemerals: ['/owned'],
      connected: true,
      timeoutMs: 10_000,
    });

    await client.close();
    // The server forgets the connection after it has answered.
    await waitFor(
      async () => !(await server.sessions()).has(client.sessionId),
      { description: 'the session to be listed no more' },
    );
  });
});

describe('a ZooKeeper ensemble of the tests', () => {
  it('elects another leader when that one is killed, and keeps the sessions', async () => {
    const ensemble = await ZookeeperEnsemble.start({ size: 3 });
    try {
      const leader = await ensemble.leader();
      expect(await ensemble.followers()).toHaveLength(2);
      const client = await WireClient.connect({ port: leader.port });
      await client.create('/ephemeral', { ephemeral: true });

      await leader.stop();
      const successor = await ensemble.leader();
      expect(successor).not.toBe(leader);

      const { port } = successor;
      const { sessionId, password } = client;
      const again = await WireClient.connect({ port, sessionId, password });
      expect(await again.exists('/ephemeral')).toMatchObject({
        ephemeralOwner: sessionId,
      });
      await again.close();

      await leader.start();
      expect(await leader.mode()).toBe('follower');
    } finally {
      await ensemble.close();
    }
  });
});

describe('the wire client', () => {
  let server: ZookeeperServer;
  let client: WireClient;

  beforeAll(async () => {
    server = await ZookeeperServer.start({
      jvmArgs: ['-Dznode.container.checkIntervalMs=50'],
    });
    client = await WireClient.connect({ port: server.port });
  });

  afterAll(async () => {
    await client?.close();
    await server?.close();
  });

  it('creates, reads, changes and deletes nodes', async () => {
    await client.createAll('/a/b');
    const path = await client.create('/a/b/n-', {
      data: 'first',
      ephemeral: true,
      sequential: true,
    });
    expect(path).toBe('/a/b/n-0000000000');

    const { data, stat } = await client.getData(path);
    expect(data.toString()).toBe('first');
    expect(stat).toMatchObject({
      version: 0,
      ephemeralOwner: client.sessionId,
      mzxid: stat.czxid,
    });
    expect(await client.getChildren('/a/b')).toEqual(['n-0000000000']);

    await client.setData(path, 'second', 0);
    await expect(client.setData(path, 'third', 0)).rejects.toMatchObject({
      code: 'BAD_VERSION',
    });
    await expect(client.create('/a')).rejects.toMatchObject({
      code: 'NODE_EXISTS',
    });
    await expect(client.delete('/a')).rejects.toMatchObject({
      code: 'NOT_EMPTY',
    });
    await expect(client.getData('/none')).rejects.toMatchObject({
      code: 'NO_NODE',
    });

    await client.sync('/a');
    await client.deleteRecursive('/a');
    await client.deleteRecursive('/a');
    expect(await client.exists('/a')).toBeUndefined();
  });

  it('creates containers, which the server removes when they are empty', async () => {
    expect(await client.create('/box', { container: true })).toBe('/box');
    await client.create('/box/content');
    await client.delete('/box/content');
    await waitFor(async () => !(await client.exists('/box')));
  });

  it('authenticates, and sets and reads who may do what', async () => {
    const { port } = server;
    await client.create('/locked');
    await client.addAuth('digest', 'somebody:secret');
    await client.setACL('/locked', [
      { permissions: 31, scheme: 'auth', id: '' },
    ]);
    expect(await client.getACL('/locked')).toMatchObject([
      { permissions: 31, scheme: 'digest' },
    ]);

    const other = await WireClient.connect({ port });
    await expect(other.getData('/locked')).rejects.toMatchObject({
      code: 'NO_AUTH',
    });
    await other.close();
  });

  it('leaves the session behind when it is destroyed, and none when closed', async () => {
    const { port } = server;
    const other = await WireClient.connect({ port });
    await other.create('/ephemeral', { ephemeral: true });
    other.destroy();
    expect(await client.exists('/ephemeral')).toBeDefined();

    const { sessionId, password } = other;
    await WireClient.expire({ port, sessionId, password });
    expect(await client.exists('/ephemeral')).toBeUndefined();
    await expect(
      WireClient.connect({ port, sessionId, password }),
    ).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
  });
});

describe('the proxy', () => {
  let server: ZookeeperServer;
  let operator: WireClient;
  let proxy: TcpProxy;
  let client: WireClient;

  beforeAll(async () => {
    server = await ZookeeperServer.start();
    operator = await WireClient.connect({ port: server.port });
    proxy = await TcpProxy.start({ targetPort: server.port });
  });

  beforeEach(async () => {
    await proxy.heal();
    proxy.cut();
    proxy.forgetFrames();
    client = await WireClient.connect({ port: proxy.port });
  });

  afterAll(async () => {
    proxy?.close();
    await operator?.close();
    await server?.close();
  });

  it('records what was asked, answered and announced', async () => {
    await client.create('/recorded-', { sequential: true });
    await expect(client.getData('/none')).rejects.toThrow('NO_NODE');

    expect(proxy.requests()).toMatchObject([
      { opcode: 'connect', sessionId: '0', timeoutMs: 10_000 },
      { opcode: 'create', path: '/recorded-' },
      { opcode: 'getData', path: '/none', watch: false },
    ]);
    expect(proxy.replies()).toMatchObject([
      { opcode: 'connect', sessionId: client.sessionId },
      { opcode: 'create', path: '/recorded-' },
      { opcode: 'getData', path: '/none', error: 'NO_NODE' },
    ]);
    expect(proxy.replies('create')[0]?.createdPath).toMatch(/-\d{10}$/);
    proxy.frames.reduce((earlier, frame) => {
      expect(frame.atNs).toBeGreaterThanOrEqual(earlier.atNs);
      return frame;
    });
    expect(proxy.lastSession()).toEqual({
      sessionId: client.sessionId,
      password: client.password,
    });
  });

  it('holds one direction, and releases it in order', async () => {
    proxy.hold('replies');
    const created = client.create('/held', { ephemeral: true });
    await waitFor(() => operator.exists('/held'));
    const deleted = client.delete('/held');
    await waitFor(async () => !(await operator.exists('/held')));
    const order: string[] = [];
    const both = Promise.all([
      created.then(() => order.push('created')),
      deleted.then(() => order.push('deleted')),
    ]);
    expect(order).toEqual([]);

    proxy.release('replies');
    await both;
    expect(order).toEqual(['created', 'deleted']);
  });

  it('loses requests in a black hole', async () => {
    proxy.drop('requests');
    const lost = client.create('/lost');
    await waitFor(() => proxy.requests('create')[0]);
    proxy.cut();
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
    await operator.sync('/');
    expect(await operator.exists('/lost')).toBeUndefined();
  });

  it('delays', async () => {
    proxy.delay(40, 'requests');
    proxy.delay(20, 'replies');
    const before = performance.now();
    await client.exists('/');
    expect(performance.now() - before).toBeGreaterThanOrEqual(59);
  });

  it('loses the reply of a create that was done', async () => {
    const reply = proxy.holdReplyOf('create');
    const lost = client.create('/done', { ephemeral: true });
    expect(await reply.arrived).toMatchObject({ createdPath: '/done' });
    proxy.cut();
    await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
    expect(await operator.exists('/done')).toBeDefined();
  });

  it('hands a held reply over late, or swallows only that', async () => {
    const late = proxy.holdReplyOf('create');
    const created = client.create('/late', { ephemeral: true });
    const { xid } = await late.arrived;
    const exists = client.exists('/late');
    late.release();
    expect(await created).toBe('/late');
    expect(await exists).toBeDefined();

    const swallowed = proxy.holdReplyOf('delete');
    const never = client.delete('/late');
    expect((await swallowed.arrived).xid).toBeGreaterThan(xid);
    swallowed.swallow();
    expect(await client.exists('/late')).toBeUndefined();
    client.destroy();
    await expect(never).rejects.toThrow('CONNECTION_LOSS');
  });

  it('cuts in the middle of a packet', async () => {
    proxy.cutAfter(10, 'replies');
    await expect(client.getData('/')).rejects.toMatchObject({
      code: 'CONNECTION_LOSS',
    });
    await waitFor(() => proxy.openConnections === 0);
  });

  it('refuses new connections, until it is healed', async () => {
    proxy.refuse();
    await expect(
      WireClient.connect({ port: proxy.port }),
    ).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
    await client.exists('/');

    await proxy.heal();
    const other = await WireClient.connect({ port: proxy.port });
    await other.close();
  });
});

describe('a process of the tests', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'process-instance-'));
  });

  afterEach(() => ProcessInstance.closeAll());

  afterAll(() => rm(directory, { recursive: true }));

  async function run(...lines: string[]): Promise<ProcessInstance> {
    const script = join(directory, 'script.mjs');
    await writeFile(script, lines.join('\n'));
    return new ProcessInstance(script, { args: ['an argument'] });
  }

  it('tells events from plain lines, and how the process ended', async () => {
    const instance = await run(
      `console.log('plain');`,
      `console.log('{"type":"started","argument":"' + process.argv[2] + '"}');`,
      `process.exitCode = 3;`,
    );
    expect(await instance.waitForEvent('started')).toEqual({
      type: 'started',
      argument: 'an argument',
    });
    expect(await instance.exited).toEqual({ code: 3, signal: null });
    expect(instance.lines).toEqual(['plain']);
  });

  it('says what a process wrote that ended too early', async () => {
    const instance = await run(`throw new Error('broken');`);
    await expect(instance.waitForEvent('started')).rejects.toThrow(
      /ended before the event "started"[^]*Error: broken/,
    );
  });

  it('freezes and thaws a process, and ends it with SIGTERM', async () => {
    const instance = await run(
      `process.on('message', ({ type }) => console.log(JSON.stringify({ type })));`,
      `setInterval(() => {}, 1000);`,
      `console.log('{"type":"started"}');`,
    );
    await instance.waitForEvent('started');
    await instance.pause();
    instance.send({ type: 'echo' });
    expect(processEntry(instance.pid)?.state).toBe('T');
    expect(instance.events).toHaveLength(1);

    instance.resume();
    await instance.waitForEvent('echo');
    expect(await instance.terminate()).toEqual({
      code: null,
      signal: 'SIGTERM',
    });
  });

  it('finds the children of a process, and ends them if they outlive it', async () => {
    const instance = await run(
      `import { spawn } from 'node:child_process';`,
      `const options = { detached: true, stdio: 'inherit' };`,
      `const child = spawn('sleep', ['60'], options);`,
      `console.log(JSON.stringify({ type: 'child', pid: child.pid }));`,
    );
    const { pid } = await instance.waitForEvent('child');
    expect(instance.descendants()).toEqual([pid]);

    expect(await instance.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    const child = processEntry(Number(pid));
    expect(child && isRunning(child)).toBe(true);
    await instance.close();
    await waitFor(() => child && !isRunning(child));
  });
});
