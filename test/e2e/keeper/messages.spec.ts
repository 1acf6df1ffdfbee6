import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type {
  FromKeeper,
  RequestTuple,
  ToKeeper,
} from '../../../lib/native/keeper/protocol.js';
import { KEEPER_PATH } from '../../../lib/native/keeper-supervisor.js';
import { SideProcess } from '../../../lib/side-process.js';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterAll(() => server.close());

/** A keeper that is asked by hand, and what it has said. */
class AskedKeeper {
  readonly messages: FromKeeper[] = [];
  /** How it has come to its end. */
  end: string | undefined;
  readonly #process: SideProcess;

  constructor(file: string) {
    this.#process = new SideProcess(file, 'ipc');
    this.#process.onEnd = ({ description }) => {
      this.end = description;
    };
    this.#process.child?.on('message', (message) => {
      this.messages.push(message as FromKeeper);
    });
  }

  open(): void {
    this.#send({
      type: 'open',
      servers: [{ host: '127.0.0.1', port: server.port }],
      sessionTimeoutMs: 10_000,
      maxStallMs: 30_000,
      session: undefined,
    });
  }

  /** Asks for the root node, that many times at once. */
  async ask(count: number): Promise<void> {
    const requests = Array.from({ length: count }, (_, index): RequestTuple => [
      index + 1,
      'get',
      '/',
      false,
    ]);
    this.#send({ type: 'requests', connection: 1, requests });
    await waitFor(() => this.answers.length >= count, {
      description: `${count} answers`,
    });
  }

  get batches(): FromKeeper[] {
    return this.messages.filter(({ type }) => type === 'replies');
  }

  /** The ids of the answered requests, in the order of the answers. */
  get answers(): unknown[] {
    return this.messages.flatMap((message) =>
      message.type === 'replies' ? message.replies.map(([xid]) => xid) : [],
    );
  }

  async close(): Promise<void> {
    this.#send({ type: 'close' });
    await this.hasEnded();
  }

  hasEnded(): Promise<unknown> {
    return waitFor(() => this.end, { description: 'the keeper to end' });
  }

  #send(message: ToKeeper): void {
    this.#process.child?.send(message);
  }

  said(type: FromKeeper['type']): Promise<unknown> {
    return waitFor(() => this.messages.some((each) => each.type === type), {
      description: `the keeper to say "${type}"`,
    });
  }
}

it('answers a burst of requests in few messages, in their order', async () => {
  const keeper = new AskedKeeper(KEEPER_PATH);
  keeper.open();
  await keeper.said('connected');
  await keeper.ask(1_000);
  expect(keeper.answers).toEqual(
    Array.from({ length: 1_000 }, (_, index) => index + 1),
  );
  expect(keeper.batches.length).toBeLessThan(250);
  await keeper.close();
  expect(keeper.end).toBe('ended with code 0');
});

it('says what to install where the npm package is missing', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'without-zookeeper-'));
  const build = path.resolve(path.dirname(KEEPER_PATH), '../..');
  cpSync(build, directory, { recursive: true });
  const keeper = new AskedKeeper(
    path.join(directory, path.relative(build, KEEPER_PATH)),
  );
  keeper.open();
  await keeper.hasEnded();
  expect(keeper.end).toMatch(
    /^ended with code 1, saying: the npm package "zookeeper" is not installed.*"npm install zookeeper"/,
  );
  rmSync(directory, { recursive: true });
});
