import { describe, expect, it } from '@jest/globals';
import * as fc from '../../support/fast-check.js';
import { Duplex } from 'node:stream';
import { ApplicationChannel } from '../../../lib/guardian/application-channel.js';
import { GuardianChannel } from '../../../lib/guardian/application/guardian-channel.js';
import type { GuardianLink } from '../../../lib/guardian/application/guardian-link.js';
import { LineSplitter } from '../../../lib/guardian/channel/line-splitter.js';
import {
  decode,
  encode,
  isToGuardian,
  SIGN,
  type ToGuardian,
} from '../../../lib/guardian/channel/protocol.js';

const GUARD: ToGuardian = {
  type: 'guard',
  number: 7,
  maxStallMs: 30_000,
  session: {
    servers: [{ host: 'zk', port: 2181 }],
    server: { host: 'zk', address: '10.0.0.1', port: 2181 },
    sessionId: '10000a1b2c3d4e5f',
    password: Buffer.from([1, 2, 255]),
    sessionTimeoutMs: 10_000,
    security: {
      auth: [{ scheme: 'digest', secret: 'user:pässword' }],
      tls: { ca: [Buffer.from('one'), 'two'], key: Buffer.from('key') },
      sasl: { mechanism: 'DIGEST-MD5', username: 'u', password: 'p' },
    },
  },
};

/** A guardian that does not read. */
class DeafLink implements GuardianLink {
  readonly written: string[] = [];
  onEnd = (): void => undefined;
  readonly stream = new Duplex({
    read: () => undefined,
    write: (chunk) => {
      this.written.push(String(chunk));
      // Never called back: the channel is full.
    },
  });

  destroy(): void {
    this.stream.destroy();
  }

  isRunning(): boolean {
    return true;
  }
}

describe('the channel between application and guardian', () => {
  it('carries a session with all that a connection needs', () => {
    const message = decode(encode(GUARD).trimEnd());
    expect(message).toEqual(GUARD);
    expect(isToGuardian(message)).toBe(true);
  });

  it('queues no signs of life for a guardian that does not read', () => {
    const link = new DeafLink();
    const channel = new GuardianChannel(link, {
      onMessage: () => undefined,
      onAnswer: () => undefined,
      onEnd: () => undefined,
    });
    for (let count = 0; count < 10_000; count++) {
      channel.signOfLife();
    }
    expect(link.written).toEqual(['.\n']);
    expect(link.stream.writableLength).toBeLessThan(10);
    channel.destroy();
    expect(() => channel.signOfLife()).not.toThrow();
  });

  it('keeps no answers to signs of life for an application that does not read', () => {
    const link = new DeafLink();
    const end = new ApplicationChannel(link.stream, {
      attach: () => {
        throw new Error('there is no session');
      },
      lookerAt: () => () => 'alive',
      onOver: () => undefined,
    });
    for (let count = 0; count < 10_000; count++) {
      link.stream.emit('data', `${SIGN}\n`);
    }
    expect(link.written).toEqual(['.\n']);
    expect(link.stream.writableLength).toBeLessThan(10);
    end.dismiss();
  });

  it('puts lines together however they were cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string().filter((line) => !line.includes('\n'))),
        fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
        (lines, cuts) => {
          const got: string[] = [];
          const splitter = new LineSplitter((line) => got.push(line));
          let text = lines.map((line) => `${line}\n`).join('');
          for (const length of cuts) {
            if (text === '') break;
            splitter.push(text.slice(0, length));
            text = text.slice(length);
          }
          expect(got).toEqual(lines);
        },
      ),
    );
  });

  it('bears a list of revoked certificates of megabytes', () => {
    const crl = Buffer.alloc(4_000_000, 7);
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    const text = encode({
      ...GUARD,
      session: { ...GUARD.session, security: { auth: [], tls: { crl } } },
    });
    for (let at = 0; at < text.length; at += 65_536) {
      splitter.push(text.slice(at, at + 65_536));
    }
    expect(decode(lines[0] as string)).toMatchObject({
      session: { security: { tls: { crl: expect.any(Buffer) } } },
    });
  });

  it('refuses a line that never ends', () => {
    const splitter = new LineSplitter(() => undefined);
    expect(() => splitter.push('x'.repeat(2 ** 23 + 1))).toThrow(RangeError);
  });

  it('takes nothing that is malformed for a message, and does not throw over it', () => {
    const broken = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          type: fc.constantFrom('hello', 'guard', 'release', 'close', 'done'),
          number: fc.jsonValue(),
          maxStallMs: fc.jsonValue(),
          version: fc.jsonValue(),
          application: fc.jsonValue(),
          session: fc.oneof(
            fc.jsonValue(),
            fc.record(
              {
                servers: fc.jsonValue(),
                server: fc.jsonValue(),
                sessionId: fc.jsonValue(),
                password: fc.jsonValue(),
                sessionTimeoutMs: fc.jsonValue(),
                security: fc.jsonValue(),
              },
              { requiredKeys: [] },
            ),
          ),
        },
        { requiredKeys: ['type'] },
      ),
    );
    const outcome = fc.check(
      fc.property(broken, (value) => {
        const line = JSON.stringify(value);
        let message: { readonly type: string } = { type: '' };
        try {
          message = decode(line);
        } catch (error) {
          return error instanceof SyntaxError;
        }
        return !(isToGuardian(message) && message.type === 'guard');
      }),
    );
    expect(outcome).toMatchObject({ failed: false });
  });
});
