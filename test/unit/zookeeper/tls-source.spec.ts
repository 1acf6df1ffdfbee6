import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { ZookeeperTlsOptions } from '../../../lib/zookeeper/connection/tls-options.interface.js';
import { describeConnectFailure } from '../../../lib/zookeeper/connection/describe-failure.js';
import { TlsOptionsError } from '../../../lib/zookeeper/connection/frame-connection.js';
import { TlsSource } from '../../../lib/zookeeper/connection/tls-source.js';

afterEach(() => {
  jest.useRealTimers();
});

function read(options: ZookeeperTlsOptions): Promise<unknown> {
  return new TlsSource(options).read();
}

async function messageOf(options: ZookeeperTlsOptions): Promise<string> {
  return read(options).then(
    () => 'nothing',
    (error: Error) => `${error.message} ${String(error.cause)}`,
  );
}

describe('the option tls', () => {
  it.each([
    ['in PEM format and encoded once more', 'LS0tLS1CRUdJTi/SECRET+SECRET=='],
    ['too long for a path', `MIIEvQ${'SECRET/'.repeat(1_000)}`],
    ['as bytes in base64', 'MC4CAQAwBQYDK2VwBCIEISECRET'],
  ])('never shows a key that is %s', async (_, key) => {
    const message = await messageOf({ cert: '-----BEGIN x', key });
    expect(message).toMatch(/the text of the option tls\.key is no file/);
    expect(message).not.toContain('SECRET');
  });

  it.each(['/no/such', 'no/such.pem', './no-such', '..\\no', 'C:\\no'])(
    'shows the path %s of a file that is missing',
    async (ca) => {
      const message = await messageOf({ ca });
      expect(message).toMatch(/the file of the option tls\.ca cannot be read/);
      expect(message).toContain(ca);
    },
  );

  it('does not do without what a function should have returned', async () => {
    const nothing = (() => undefined) as () => never;
    expect(await messageOf({ ca: nothing })).toMatch(
      /function of the option tls\.ca returned nothing/,
    );
    expect(await messageOf({ pfx: 'x', passphrase: nothing })).not.toBe(
      'nothing',
    );
  });

  it('takes a passphrase that is a number for a text: the error of TLS would show it', async () => {
    const passphrase = (() => 4711) as () => never;
    expect(await read({ passphrase })).toEqual({ passphrase: '4711' });
  });

  it.each(['ca', 'passphrase'] as const)(
    'waits for a function for tls.%s within a bound, and names it',
    async (name) => {
      jest.useFakeTimers();
      const message = messageOf({ [name]: () => new Promise(() => undefined) });
      await jest.advanceTimersByTimeAsync(11_000);
      expect(await message).toMatch(
        new RegExp(`function of the option tls\\.${name} has given nothing`),
      );
    },
  );
});

describe('options that OpenSSL refuses', () => {
  it.each([
    ['error:1C800064:Provider routines::bad decrypt', /tls\.passphrase/],
    ['mac verify failure', /tls\.passphrase/],
    [
      'error:05800074:x509 certificate routines::key values mismatch',
      /tls\.key does not belong to tls\.cert/,
    ],
    ['Unsupported PKCS12 PFX data', /tls\.pfx .* --openssl-legacy-provider/],
    ['not enough data', /the options tls do not work \(not enough data\)/],
  ])('"%s"', (message, expected) => {
    const error = new TlsOptionsError(message);
    const failure = describeConnectFailure(error, true, true);
    expect(failure).toMatchObject({ isOfTls: true });
    expect(failure.text).toMatch(expected);
  });
});
