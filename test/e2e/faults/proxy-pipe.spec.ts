import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { ProxyPipe } from '../../support/proxy-pipe.js';

describe('ProxyPipe', () => {
  test('passes a reset on behind the bytes that were sent before it', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const target = connect({ port, host: '127.0.0.1' });
    const [receiver] = await once(server, 'connection');
    const seen: string[] = [];
    const hasEnded = new Promise((resolve) => {
      receiver
        .on('data', (bytes: Buffer) => seen.push(bytes.toString()))
        .on('error', ({ code }: NodeJS.ErrnoException) => seen.push(`${code}`))
        .on('close', resolve);
    });
    const conditions = { held: false, dropping: false, delayMs: 100 };
    const pipe = new ProxyPipe(target, conditions, () =>
      target.resetAndDestroy(),
    );
    pipe.push(Buffer.from('last words'));
    conditions.delayMs = 0;
    pipe.push('reset');
    await hasEnded;
    expect(seen[0]).toBe('last words');
    server.close();
  });
});
