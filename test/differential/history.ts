import fc, { type Arbitrary } from 'fast-check';
import type { Acl } from '../../lib/zookeeper/codec/acl.record.js';
import { digestOf } from '../../lib/testing/server/access.js';
import type { Op } from './operations.js';

/** What happens next. Sessions are 0 to 2; each begins when it is first used. */
export type Step =
  | {
      readonly type: 'requests';
      readonly session: number;
      readonly ops: readonly Op[];
    }
  /** The connection ends; the session goes on in a new one. */
  | { readonly type: 'reconnect'; readonly session: number }
  /** The session goes on in a new connection, and the server ends the old one. */
  | { readonly type: 'move'; readonly session: number }
  | { readonly type: 'stranger'; readonly session: number }
  | { readonly type: 'close'; readonly session: number }
  | { readonly type: 'expire'; readonly session: number };

export type History = readonly Step[];

const SESSIONS = 3;
const LONGEST = 14;

const path = fc.constantFrom(
  ...['', '/a', '/a', '/b', '/a/b', '/a/b', '/a/c', '/a/b/c', '/b/a', '/c'],
  ...['/a/s-', '/s-0000000000', '/s-0000000001', '/a/s-0000000000', '/missing'],
);
const sequentialPath = fc.constantFrom('/s-', '/a/s-', '/a/', '/', '/b/s-');
const oddPath = fc.constantFrom(
  ...['/a/', '/a//b', '/a/./b', '/a/../b', '/a/b\u0001', '/a/b\u0000', '/é', '/a..'],
);
const anyPath = fc.oneof(
  { weight: 12, arbitrary: path },
  { weight: 1, arbitrary: oddPath },
);
const data = fc.constantFrom('', 'x', 'y', 'longer data', null);
const version = fc.constantFrom(-1, -1, -1, 0, 1, 2, 5, -2);

const OPEN: Acl = [{ permissions: 31, scheme: 'world', id: 'anyone' }];
const acl: Arbitrary<Acl> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(OPEN) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Acl[]>(
      [{ permissions: 31, scheme: 'auth', id: '' }],
      [{ permissions: 31, scheme: 'digest', id: digestOf('u1:p1') }],
      [
        { permissions: 1, scheme: 'world', id: 'anyone' },
        { permissions: 31, scheme: 'digest', id: digestOf('u2:p2') },
      ],
      [{ permissions: 23, scheme: 'world', id: 'anyone' }],
      [{ permissions: 14, scheme: 'world', id: 'anyone' }],
      [{ permissions: 31, scheme: 'ip', id: '127.0.0.1' }],
      [{ permissions: 31, scheme: 'ip', id: '127.0.0.0/8' }],
      [{ permissions: 31, scheme: 'ip', id: '10.0.0.0/8' }],
      [...OPEN, ...OPEN],
      [
        { permissions: 1, scheme: 'auth', id: '' },
        { permissions: 30, scheme: 'auth', id: '' },
      ],
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Acl[]>(
      [],
      [{ permissions: 31, scheme: 'world', id: 'somebody' }],
      [{ permissions: 31, scheme: 'nothing', id: 'x' }],
      [{ permissions: 31, scheme: 'digest', id: 'u1' }],
      [{ permissions: 31, scheme: 'ip', id: '300.1.1.1' }],
      [...OPEN, { permissions: 31, scheme: 'nothing', id: 'x' }],
    ),
  },
);

const createType = fc.constantFrom(
  'create' as const,
  'create2' as const,
  'createContainer' as const,
);
const create = fc.oneof(
  fc.record({
    type: createType,
    path: anyPath,
    data,
    acl,
    flags: fc.constantFrom(0, 0, 0, 1, 1, 4, 5, -1, 9),
  }),
  fc.record({
    type: createType,
    path: sequentialPath,
    data,
    acl,
    flags: fc.constantFrom(2, 3),
  }),
);
const remove = fc.record({
  type: fc.constant('delete' as const),
  path: anyPath,
  version,
});
const setData = fc.record({
  type: fc.constant('setData' as const),
  path: anyPath,
  data,
  version,
});
const watchable = fc.record({
  type: fc.constantFrom(
    'exists' as const,
    'getData' as const,
    'getChildren' as const,
    'getChildren2' as const,
  ),
  path: anyPath,
  watch: fc.boolean(),
});
const multiOperation = fc.oneof(
  // Those with a time to live make a real server fail as a whole.
  create
    .filter(({ flags }) => flags !== 5)
    .map((each) => ({ ...each })),
  remove,
  setData,
  fc.record({ type: fc.constant('check' as const), path: anyPath, version }),
);
const paths = fc.array(path, { maxLength: 3 });

const op: Arbitrary<Op> = fc.oneof(
  { weight: 8, arbitrary: create },
  { weight: 5, arbitrary: remove },
  { weight: 5, arbitrary: setData },
  { weight: 10, arbitrary: watchable },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('setAcl' as const),
      path: anyPath,
      acl,
      version,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'getAcl' as const,
        'sync' as const,
        'getEphemerals' as const,
        'getAllChildrenNumber' as const,
      ),
      path: anyPath,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'ping' as const,
        'whoAmI' as const,
        'reconfig' as const,
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('multi' as const),
      operations: fc.array(multiOperation, { maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('multiRead' as const),
      reads: fc.array(
        fc.record({
          type: fc.constantFrom('getData' as const, 'getChildren' as const),
          path,
        }),
        { maxLength: 3 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('addWatch' as const),
      path,
      mode: fc.constantFrom(0, 1, 1, 2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('removeWatches' as const, 'checkWatches' as const),
      path,
      watcher: fc.constantFrom(1, 2, 3, 4, 5, 9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constantFrom('setWatches' as const, 'setWatches2' as const),
      since: fc.integer({ min: 0, max: 6 }),
      data: paths,
      exist: paths,
      children: paths,
      persistent: paths,
      recursive: paths,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('createTtl' as const),
      path,
      flags: fc.constantFrom(0, 5, 6),
      ttl: fc.constantFrom(1, 1000),
    }),
  },
);

/**
 * What comes alone. A real server answers `auth` out of turn: how far the requests
 * before it have come is a matter of luck.
 */
const auth: Arbitrary<Op> = fc.record({
  type: fc.constant('auth' as const),
  scheme: fc.constantFrom('digest', 'digest', 'digest', 'ip'),
  secret: fc.constantFrom('u1:p1', 'u2:p2', 'u2:wrong', 'nobody'),
});

/** What ends the connection. */
const fatal: Arbitrary<Op> = fc.oneof(
  fc.record({
    type: fc.constant('unknown' as const),
    opcode: fc.constantFrom(0, 10, 99, 108, 1000, -3),
  }),
  fc.record({
    type: fc.constant('auth' as const),
    scheme: fc.constantFrom('world', 'nothing', 'sasl'),
    secret: fc.constant('x'),
  }),
);

const session = fc.nat({ max: SESSIONS - 1 });

const common: { weight: number; arbitrary: Arbitrary<Step> }[] = [
  {
    weight: 20,
    arbitrary: fc.record({
      type: fc.constant('requests' as const),
      session,
      ops: fc.array(op, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('requests' as const),
      session,
      ops: fatal.map((each) => [each]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('requests' as const),
      session,
      ops: auth.map((each) => [each]),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'reconnect' as const,
        'move' as const,
        'stranger' as const,
        'close' as const,
      ),
      session,
    }),
  },
];

const expiry: { weight: number; arbitrary: Arbitrary<Step> } = {
  weight: 3,
  arbitrary: fc.record({ type: fc.constant('expire' as const), session }),
};

/** @param hasExpiries whether sessions time out, which takes a while each time */
export function history(hasExpiries: boolean): Arbitrary<History> {
  const steps = hasExpiries ? [...common, expiry] : common;
  return fc.array(fc.oneof(...steps), { minLength: 2, maxLength: LONGEST });
}
