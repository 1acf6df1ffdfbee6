import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuardianChannel } from '../../../lib/guardian/application/guardian-channel.js';
import { GuardianProcess } from '../../../lib/guardian/application/guardian-process.js';
import { GuardianHost } from '../../../lib/guardian/host/guardian-host.js';
import { abstractAddress } from '../../../lib/guardian/socket-address.js';

/** No timer of the guardian's fires in this test. */
const SESSION_TIMEOUT_MS = 3_600_000;

let host: GuardianHost;
let guardian: GuardianProcess;

beforeEach(async () => {
  const address = abstractAddress();
  host = new GuardianHost();
  await host.listen(address);
  guardian = new GuardianProcess({
    maxStallMs: 2 * SESSION_TIMEOUT_MS,
    onNotice: () => undefined,
    socket: { kind: 'run', address },
  });
  const server = { host: '127.0.0.1', address: '127.0.0.1', port: 1 };
  await guardian.guard({
    servers: [server],
    server,
    sessionId: '1a2b',
    password: Buffer.alloc(16),
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    security: { auth: [] },
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await guardian.release();
  await guardian.stop();
  host.close();
});

it('hears of requests only when the last sign of life is older than those at regular intervals', () => {
  const sign = jest.spyOn(GuardianChannel.prototype, 'signOfLife');
  const fromMs = Math.ceil(performance.now());
  const now = jest.spyOn(performance, 'now').mockReturnValue(fromMs);
  const write = (): void => {
    for (let request = 0; request < 100; request += 1) {
      guardian.signOfLife();
    }
  };
  // The session itself was one.
  write();
  expect(sign).not.toHaveBeenCalled();
  // The process was stalled: the guardian hears of it before the server does.
  now.mockReturnValue(fromMs + SESSION_TIMEOUT_MS / 12);
  write();
  expect(sign).toHaveBeenCalledTimes(1);
  now.mockReturnValue(fromMs + (2 * SESSION_TIMEOUT_MS) / 12 - 1);
  write();
  expect(sign).toHaveBeenCalledTimes(1);
  now.mockReturnValue(fromMs + (2 * SESSION_TIMEOUT_MS) / 12);
  write();
  expect(sign).toHaveBeenCalledTimes(2);
});

it('is missed, and no more, when the socket cannot even be looked at', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guardian-'));
  const loop = join(folder, 'loop');
  symlinkSync(loop, loop);
  const notices: string[] = [];
  const sidecar = new GuardianProcess({
    maxStallMs: 30_000,
    onNotice: ({ text }) => notices.push(text),
    socket: { kind: 'sidecar', address: join(loop, 'guardian.sock') },
  });
  await sidecar.start();
  expect(notices.join()).toMatch(
    /is not used: it cannot be looked at \(.*ELOOP/,
  );
  await sidecar.stop();
  rmSync(folder, { recursive: true });
});

it('gets rotated keys while the connection of the application lasts', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
  const send = jest.spyOn(GuardianChannel.prototype, 'send');
  const address = abstractAddress();
  const other = new GuardianHost();
  await other.listen(address);
  let reads = 0;
  const renewed = new GuardianProcess({
    maxStallMs: 2 * SESSION_TIMEOUT_MS,
    onNotice: () => undefined,
    socket: { kind: 'run', address },
    readSecurity: async () => {
      reads += 1;
      if (reads === 1) {
        throw new Error('not now');
      }
      return { auth: [], tls: { ciphers: `HIGH:!${reads}` } };
    },
  });
  const server = { host: '127.0.0.1', address: '127.0.0.1', port: 1 };
  await renewed.guard({
    servers: [server],
    server,
    sessionId: '3c4d',
    password: Buffer.alloc(16),
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    security: { auth: [], tls: {} },
  });
  await jest.advanceTimersByTimeAsync(300_000);
  expect(reads).toBe(1);
  await jest.advanceTimersByTimeAsync(300_000);
  expect(send).toHaveBeenLastCalledWith(
    expect.objectContaining({
      type: 'guard',
      session: expect.objectContaining({
        sessionId: '3c4d',
        security: { auth: [], tls: { ciphers: 'HIGH:!2' } },
      }),
    }),
  );
  await renewed.release();
  await jest.advanceTimersByTimeAsync(300_000);
  expect(reads).toBe(2);
  jest.useRealTimers();
  await renewed.stop();
  other.close();
});
