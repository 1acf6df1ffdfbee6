import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { nativeZookeeper } from '../../lib/native/index.js';
import { hideSecrets } from '../../lib/security-options.js';
import { resolveOptions } from '../../lib/zookeeper-leader.options.js';

const SECRET = 'SECRET-SECRET';
const credentials = { username: 'user', password: SECRET };
const sasl = { mechanism: 'DIGEST-MD5', ...credentials } as const;

describe('the options of security are refused at start', () => {
  it.each<[string, object, RegExp]>([
    ['tls of no use', { tls: SECRET }, /option tls is a string/],
    [
      'an unknown name',
      { tls: { keys: SECRET } },
      /no option tls\.keys\. Did you mean tls\.key\?/,
    ],
    [
      'a certificate without key',
      { tls: { cert: SECRET } },
      /tls\.key is missing, as tls\.cert is set/,
    ],
    [
      'a key without certificate',
      { tls: { key: SECRET } },
      /tls\.cert is missing, as tls\.key is set/,
    ],
    [
      'two identities',
      { tls: { cert: SECRET, key: SECRET, pfx: SECRET } },
      /tls\.pfx is set beside tls\.cert/,
    ],
    ['no material', { tls: { ca: 7 } }, /tls\.ca is neither a text, a buffer/],
    [
      'a passphrase of no use',
      { tls: { pfx: 'f', passphrase: 7 } },
      /tls\.passphrase is neither/,
    ],
    [
      'an unknown version of TLS',
      { tls: { minVersion: 'SSLv3' } },
      /tls\.minVersion is unknown\. Expected 'TLSv1\.2' or 'TLSv1\.3'/,
    ],
    [
      'an unknown mechanism',
      { sasl: { ...sasl, mechanism: 'PLAIN' } },
      /sasl\.mechanism is not known.*sasl\.respond/,
    ],
    [
      'a login without password',
      { sasl: { mechanism: 'DIGEST-MD5', username: SECRET } },
      /sasl needs a username and a password/,
    ],
    [
      'an invalid mechanism',
      { sasl: { mechanism: 'GSSAPI', respond: SECRET } },
      /sasl\.respond is not a function/,
    ],
    [
      'closed nodes of nobody',
      { acl: 'creator' },
      /acl 'creator' needs an identity/,
    ],
    [
      'closed nodes of an authority',
      { acl: 'creator', tls: { ca: 'f' } },
      /acl 'creator' needs an identity/,
    ],
    ['an unknown acl', { acl: 'all' }, /acl 'all' is unknown/],
    ['a client of no use', { client: {} }, /client .*nativeZookeeper\(\)/],
    [
      'secrets for a client that cannot use them',
      { client: nativeZookeeper(), credentials },
      /plain connections only, without the option credentials/,
    ],
    [
      'TLS for a client that cannot use it',
      { client: nativeZookeeper(), tls: true },
      /plain connections only, without the option tls/,
    ],
  ])('%s', (_, options, expected) => {
    const resolve = (): unknown => resolveOptions(options);
    expect(resolve).toThrow(expected);
    expect(resolve).not.toThrow(SECRET);
    expect(() => resolveOptions(hideSecrets(options))).toThrow(expected);
  });
});

describe('the option acl', () => {
  const respond = (): undefined => undefined;

  it.each([
    ['open', {}],
    ['open', { tls: true }],
    ['open', { tls: { cert: 'f', key: 'f' } }],
    ['open', { credentials, acl: 'open' }],
    ['creator', { credentials }],
    ['creator', { sasl }],
    ['creator', { sasl: { mechanism: 'GSSAPI', respond } }],
    ['creator', { tls: { pfx: 'f' }, acl: 'creator' }],
  ] as const)('is %s with %j', (acl, options) => {
    expect(resolveOptions(options)).toMatchObject({ acl });
  });
});

describe('secrets', () => {
  const options = {
    credentials,
    sasl,
    tls: { pfx: Buffer.from(SECRET), passphrase: SECRET },
  };

  it.each([
    ['hidden options', () => hideSecrets(options)],
    ['resolved options', () => resolveOptions(hideSecrets(options))],
  ])('are in no dump of %s', (_, make) => {
    const hidden = make();
    const dumps = [
      inspect(hidden, { depth: 9, showHidden: true }),
      JSON.stringify(hidden),
    ].join();
    expect(dumps).not.toContain(SECRET);
    expect(dumps).not.toContain(Buffer.from(SECRET).toString('base64'));
    expect(dumps).not.toContain('53 45 43 52 45 54');
  });

  it('reach the connection all the same', async () => {
    const resolved = resolveOptions(hideSecrets(options));
    expect(resolved.credentials?.reveal()).toBe(`user:${SECRET}`);
    expect(resolved.sasl).toMatchObject({ username: 'user', password: SECRET });
    expect(await resolved.tls?.read()).toMatchObject({
      pfx: Buffer.from(SECRET),
      passphrase: SECRET,
    });
  });
});
