import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  TestingServer,
  type TestingRequest,
  type TestingServerOptions,
} from '../../../lib/testing/index.js';
import { filter, firstValueFrom } from 'rxjs';
import { fourLetterWord } from '../../../scripts/zookeeper/four-letter-word.mjs';
import { inProject } from '../../../scripts/support/project.mjs';
import { ElectionGroup } from '../../support/election-group.js';
import { waitFor } from '../../support/wait-for.js';
import { WireClient } from '../../support/wire-client.js';

let server: TestingServer;

beforeEach(async () => {
  server = await TestingServer.start({ log: false });
});
afterEach(() => server.close());

function connect(): Promise<WireClient> {
  return WireClient.connect({ port: server.port });
}

describe('the tree', () => {
  it('is told as tests want to see it, without what is ZooKeeper’s own', async () => {
    const client = await connect();
    await client.create('/a', { data: 'x', container: true });
    await client.create('/a/n-', {
      data: 'y',
      ephemeral: true,
      sequential: true,
    });
    expect(server.tree()).toEqual([
      { path: '/', data: '', version: 0, czxid: 0, kind: 'persistent' },
      { path: '/a', data: 'x', version: 0, czxid: 2, kind: 'container' },
      {
        path: '/a/n-0000000000',
        data: 'y',
        version: 0,
        czxid: 3,
        kind: 'ephemeral',
        sessionId: client.sessionId,
      },
    ]);
    expect(server.tree('/a/n-0000000000')).toHaveLength(1);
    expect(server.tree('/missing')).toEqual([]);
    await client.close();
    expect(server.tree('/a').map(({ path }) => path)).toEqual(['/a']);
  });

  it('loses a container that has lost its children', async () => {
    const own = await TestingServer.start({ log: false, containerCheckMs: 20 });
    const client = await WireClient.connect({ port: own.port });
    await client.create('/used', { container: true });
    await client.create('/new', { container: true });
    await client.create('/used/a');
    await client.delete('/used/a');
    await waitFor(() => own.tree('/used').length === 0);
    expect(own.tree('/new')).toHaveLength(1);
    await client.close();
    await own.close();
  });
});

describe('sessions', () => {
  it('end at their timeout, when nobody keeps them', async () => {
    const client = await WireClient.connect({
      port: server.port,
      timeoutMs: 1,
    });
    expect(client.timeoutMs).toBe(200);
    await client.create('/e', { ephemeral: true });
    client.destroy();
    await waitFor(() => server.tree('/e').length === 0);
  });

  it('are ended by the id of an instance, and the next one leads', async () => {
    const group = new ElectionGroup(server.port, '/expire');
    const a = await group.join('a');
    const b = await group.join('b');
    // It ends before the lease has run out, which no real server does.
    group.isTamperedWith = true;
    await server.expireSession('a');
    await group.waitForLeader(b);
    await group.waitUntil(() => a.election.leadership.role === 'follower', {
      description: 'a to take part again',
    });
    expect(b.isLeader).toBe(true);
    await group.close();
  });

  it('are ended by their id', async () => {
    const client = await connect();
    await client.create('/e', { ephemeral: true });
    await server.expireSession(`0x${client.sessionId.toUpperCase()}`);
    expect(server.tree('/e')).toEqual([]);
    await expect(
      WireClient.connect({
        port: server.port,
        sessionId: client.sessionId,
        password: client.password,
      }),
    ).rejects.toMatchObject({ code: 'SESSION_EXPIRED' });
  });

  it('that nobody knows are an error that names those that there are', async () => {
    const client = await connect();
    await client.create('/e', { ephemeral: true, data: '{"instanceId":"a"}' });
    await expect(server.expireSession('b')).rejects.toThrow(
      `no session belongs to "b". Instances: a. Sessions: ${client.sessionId}.`,
    );
    await client.close();
  });
});

describe('faults', () => {
  it('disconnects an instance, which comes back in its session', async () => {
    const group = new ElectionGroup(server.port, '/disconnect');
    const a = await group.join('a');
    const owner = () => server.tree('/disconnect/instances')[1]?.sessionId;
    await group.waitUntil(owner, { description: 'a to have a node' });
    const before = owner();
    server.disconnect('a');
    const reconnected = firstValueFrom(
      server.requests$.pipe(filter(({ sessionId }) => sessionId === before)),
    );
    expect(await reconnected).toBeDefined();
    await group.waitForLeader(a);
    expect(owner()).toBe(before);
    await group.close();
  });

  it('answers nothing while it is paused, and everything afterwards', async () => {
    const client = await connect();
    const other = await TestingServer.start({ log: false });
    const beside = await WireClient.connect({ port: other.port });
    const paused = server.pause();
    let isAnswered = false;
    const created = client.create('/a').then(() => (isAnswered = true));
    // A server that is not paused answers three requests meanwhile.
    for (const path of ['/1', '/2', '/3']) {
      await beside.create(path);
    }
    expect(isAnswered).toBe(false);
    expect(server.tree('/a')).toEqual([]);
    server.resume();
    await paused;
    await created;
    expect(server.tree('/a')).toHaveLength(1);
    await Promise.all([client.close(), beside.close()]);
    await other.close();
  });

  it('ends a pause by itself after the time that was given', async () => {
    const client = await connect();
    const startedAt = performance.now();
    const paused = server.pause(60);
    await client.create('/a');
    await paused;
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
    await client.close();
  });

  it('ends no session while it is paused', async () => {
    const client = await WireClient.connect({
      port: server.port,
      timeoutMs: 1,
    });
    await client.create('/e', { ephemeral: true });
    await server.pause(600);
    expect(server.tree('/e')).toHaveLength(1);
    await client.close();
  });

  it('holds answers back as long as was asked, in order', async () => {
    const client = await connect();
    const isDone = firstValueFrom(
      server.requests$.pipe(filter(({ path }) => path === '/first')),
    );
    server.delay(60);
    const startedAt = performance.now();
    const order: string[] = [];
    const first = client.create('/first').then(() => order.push('first'));
    await isDone;
    server.delay(0);
    const second = client.create('/second').then(() => order.push('second'));
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
    await client.close();
  });

  it('refuses every new connection until it accepts again', async () => {
    const client = await connect();
    server.refuse();
    await expect(client.create('/a')).rejects.toMatchObject({
      code: 'CONNECTION_LOSS',
    });
    await expect(connect()).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
    server.accept();
    await (await connect()).close();
  });

  it('keeps nodes and sessions over a restart, or forgets them', async () => {
    const client = await connect();
    await client.create('/a');
    const attachment = {
      port: server.port,
      sessionId: client.sessionId,
      password: client.password,
    };
    await server.restart();
    const again = await WireClient.connect(attachment);
    expect(await again.exists('/a')).toBeDefined();
    await server.restart({ keepData: false });
    await expect(WireClient.connect(attachment)).rejects.toMatchObject({
      code: 'SESSION_EXPIRED',
    });
    expect(server.tree('/').map(({ path }) => path)).toEqual(['/']);
  });
});

describe('what it tells', () => {
  it('reports every request, with its error', async () => {
    const requests: TestingRequest[] = [];
    const seen = server.requests$.subscribe((each) => requests.push(each));
    const client = await connect();
    await client.create('/a');
    await client.delete('/b').catch(() => undefined);
    seen.unsubscribe();
    const { sessionId } = client;
    expect(requests).toEqual([
      { type: 'create', path: '/a', sessionId },
      { type: 'delete', path: '/b', sessionId, error: 'noNode' },
    ]);
    await client.close();
  });

  it('answers four-letter words', async () => {
    const client = await connect();
    expect(await fourLetterWord(server.port, 'ruok')).toBe('imok');
    const srvr = await fourLetterWord(server.port, 'srvr');
    expect(srvr).toMatch(/^Mode: standalone$/m);
    expect(srvr).toMatch(/^Node count: 4$/m);
    await client.close();
  });
});

describe('its start and its end', () => {
  it.each<[name: string, options: object, message: string]>([
    [
      'an option that does not exist',
      { tickTime: 1 },
      'Did you mean tickTimeMs?',
    ],
    ['an option it does not have', { dataDir: '/x' }, 'keeps nothing on disk'],
    ['an invalid port', { port: 70_000 }, 'from 0 to 65535'],
    ['a release that it does not know', { release: '3.4' }, "'3.8' or '3.9'"],
  ])('refuses %s', async (_name, options, message) => {
    await expect(
      TestingServer.start(options as TestingServerOptions),
    ).rejects.toThrow(message);
  });

  it('says when its port is taken', async () => {
    await expect(
      TestingServer.start({ port: server.port, log: false }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('does not start in production', async () => {
    const { NODE_ENV: before } = process.env;
    process.env.NODE_ENV = 'production';
    try {
      await expect(TestingServer.start()).rejects.toThrow(
        'Use a real ZooKeeper',
      );
    } finally {
      process.env.NODE_ENV = before;
    }
  });

  it('leaves nothing behind that keeps a process alive', async () => {
    const module = JSON.stringify(inProject('dist/esm/testing/index.js'));
    const script = `
      import net from 'node:net';
      import { TestingServer } from ${module};
      const server = await TestingServer.start();
      const socket = net.connect(server.port, '127.0.0.1');
      await new Promise((resolve) => socket.once('connect', resolve));
      server.pause(60_000);
      server.delay(60_000);
      await server.close();
      process.once('exit', () => console.log('ended by itself'));
    `;
    const child = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      script,
    ]);
    const [out] = await Promise.all([text(child.stdout), once(child, 'close')]);
    expect(out).toMatch(/A fake ZooKeeper for tests and demos/);
    expect(out).toMatch(/ended by itself/);
  });
});
