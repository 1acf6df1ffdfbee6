import { describe, expect, it } from '@jest/globals';
import { OptionChecks, nearest } from '../../lib/validate.js';

const checks = new OptionChecks('SomeModule');
const TABLE = { path: true, timeoutMs: true } as const;

describe('an unknown option', () => {
  it('is refused with the name that was meant', () => {
    expect(() => checks.object({ pathh: '/a' }, TABLE)).toThrow(
      'SomeModule: there is no option pathh. Did you mean path?',
    );
  });

  it('inside another option is named with it', () => {
    expect(() => checks.object({ timeout: 1 }, TABLE, 'tls')).toThrow(
      'there is no option tls.timeout. Did you mean tls.timeoutMs?',
    );
  });

  it('that resembles none is refused with all names', () => {
    expect(() => checks.object({ colour: 'red' }, TABLE)).toThrow(
      'there is no option colour. The options are path, timeoutMs.',
    );
  });

  it('is refused even if its value is undefined', () => {
    expect(() => checks.object({ pth: undefined }, TABLE)).toThrow(/path/);
  });
});

describe('options that are not an object are refused', () => {
  it.each([
    [null, 'null'],
    [undefined, 'undefined'],
    ['text', 'a string'],
    [7, 'a number'],
    [[], 'a list'],
    [() => ({}), 'a function'],
    [Promise.resolve({}), 'a promise'],
  ])('%p', (value, kind) => {
    expect(() => checks.object(value, TABLE)).toThrow(
      `SomeModule: the options are ${kind}. Expected an object`,
    );
  });
});

describe('the name that was meant', () => {
  it.each([
    ['credentails', 'credentials'],
    ['sessionTimeout', 'sessionTimeoutMs'],
    ['sessiontimeoutms', 'sessionTimeoutMs'],
    ['connectString', 'connectionString'],
    ['enable', 'enabled'],
    ['standAlone', 'standalone'],
    ['password', undefined],
    ['x', undefined],
  ])('by %s is %s', (written, meant) => {
    expect(
      nearest(written, [
        'connectionString',
        'credentials',
        'sessionTimeoutMs',
        'standalone',
        'enabled',
      ]),
    ).toBe(meant);
  });
});

describe('a number of milliseconds', () => {
  const bounds = { least: 100, fallback: 500 };

  it('is the default where there is none', () => {
    expect(checks.milliseconds('waitMs', undefined, bounds)).toBe(500);
  });

  it.each([
    [99, 'out of range'],
    [2 ** 31, 'out of range'],
    [100.5, 'out of range'],
    [NaN, 'out of range'],
    [Infinity, 'out of range'],
    ['10s', 'not a number'],
    [null, 'not a number'],
  ])('%p is %s', (value, problem) => {
    expect(() => checks.milliseconds('waitMs', value, bounds)).toThrow(
      new RegExp(
        `option waitMs .* is ${problem}\\. Expected a whole number of ` +
          'milliseconds from 100 to 2147483647\\.',
      ),
    );
  });

  it('may be infinite where there is no upper bound', () => {
    const endless = { least: 0, most: Infinity, fallback: 0 };
    expect(checks.milliseconds('waitMs', Infinity, endless)).toBe(Infinity);
    expect(() => checks.milliseconds('waitMs', NaN, endless)).toThrow(
      /milliseconds of 0 or more/,
    );
  });
});

describe('a name', () => {
  it.each(['web-1\n', 'a\u2028b', 'tab\t'])('%j is refused', (name) => {
    expect(() => checks.name('instanceId', name)).toThrow(
      /option instanceId .* has a line break or a control character\. Expected a text of one line/,
    );
  });

  it('may have any other character', () => {
    expect(checks.name('instanceId', 'Büro/1 🚀')).toBe('Büro/1 🚀');
  });
});

describe('an error', () => {
  it.each(['credentials', 'credentials.password', 'sasl.password', 'tls.key'])(
    'never shows the value of %s',
    (option) => {
      const error = checks.error(option, 'hunter2', 'is wrong');
      expect(error.message).toBe(`SomeModule: option ${option} is wrong.`);
    },
  );

  it('does not show what is inside an object', () => {
    const error = checks.error('path', { password: 'hunter2' }, 'is wrong');
    expect(error.message).not.toMatch(/hunter2/);
  });

  it('shows the beginning of a long value', () => {
    const { message } = checks.error('path', 'x'.repeat(5_000), 'is wrong');
    expect(message.length).toBeLessThan(300);
  });
});
