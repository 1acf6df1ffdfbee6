const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

/** What can be thrown, and breaks code that only expects errors. */
export const ODD_ERRORS: readonly [what: string, thrown: unknown][] = [
  ['null', null],
  ['undefined', undefined],
  ['an object without a prototype', Object.create(null)],
  ['an object that cannot be a text', { toString: fail }],
  [
    'a proxy with traps',
    new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail }),
  ],
  ['a symbol', Symbol('s')],
  ['an error whose message throws', withGetter('message')],
  ['an error whose stack throws', withGetter('stack')],
  ['a cyclic object', cyclic],
  ['lone surrogates', new Error('\ud83d'.repeat(400))],
  ['a very long text', 'x'.repeat(100_000)],
];

function fail(): never {
  throw new Error('thrown while somebody looked at an error');
}

function withGetter(property: 'message' | 'stack'): Error {
  return Object.defineProperty(new Error('x'), property, { get: fail });
}
