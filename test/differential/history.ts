import {
  array,
  boolean,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  record,
  type Arbitrary,
} from '../support/fast-check.js';
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

const path = constantFrom(
  ...['', '/a', '/a', '/b', '/a/b', '/a/b', '/a/c', '/a/b/c', '/b/a', '/c'],
  ...['/a/s-', '/s-0000000000', '/s-0000000001', '/a/s-0000000000', '/missing'],
);
const sequentialPath = constantFrom('/s-', '/a/s-', '/a/', '/', '/b/s-');
const oddPath = constantFrom(
  ...[
    '/a/',
    '/a//b',
    '/a/./b',
    '/a/../b',
    '/a/b\u0001',
    '/a/b\u0000',
    '/é',
    '/a..',
  ],
);
const anyPath = oneof(
  { weight: 12, arbitrary: path },
  { weight: 1, arbitrary: oddPath },
);
const data = constantFrom('', 'x', 'y', 'longer data', null);
const version = constantFrom(-1, -1, -1, 0, 1, 2, 5, -2);

const OPEN: Acl = [{ permissions: 31, scheme: 'world', id: 'anyone' }];
const acl: Arbitrary<Acl> = oneof(
  { weight: 8, arbitrary: constant(OPEN) },
  {
    weight: 3,
    arbitrary: constantFrom<Acl[]>(
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
    arbitrary: constantFrom<Acl[]>(
      [],
      [{ permissions: 31, scheme: 'world', id: 'somebody' }],
      [{ permissions: 31, scheme: 'nothing', id: 'x' }],
      [{ permissions: 31, scheme: 'digest', id: 'u1' }],
      [{ permissions: 31, scheme: 'ip', id: '300.1.1.1' }],
      [...OPEN, { permissions: 31, scheme: 'nothing', id: 'x' }],
    ),
  },
);

const createType = constantFrom('create' as const, 'create2' as const);
const create = oneof(
  record({
    type: createType,
    path: anyPath,
    data,
    acl,
    flags: constantFrom(0, 0, 0, 1, 1, 4, 5, -1, 9),
  }),
  // Not an ephemeral container, which no client asks for: a real server takes it for
  // ephemeral until it has been made, and for a container from then on.
  record({
    type: constant('createContainer' as const),
    path: anyPath,
    data,
    acl,
    flags: constantFrom(4, 4, 0, 2),
  }),
  record({
    type: createType,
    path: sequentialPath,
    data,
    acl,
    flags: constantFrom(2, 3),
  }),
);
const remove = record({
  type: constant('delete' as const),
  path: anyPath,
  version,
});
const setData = record({
  type: constant('setData' as const),
  path: anyPath,
  data,
  version,
});
const watchable = record({
  type: constantFrom(
    'exists' as const,
    'getData' as const,
    'getChildren' as const,
    'getChildren2' as const,
  ),
  path: anyPath,
  watch: boolean(),
});
const multiOperation = oneof(
  // Those with a time to live make a real server fail as a whole.
  create.filter(({ flags }) => flags !== 5).map((each) => ({ ...each })),
  remove,
  setData,
  record({ type: constant('check' as const), path: anyPath, version }),
);
const paths = array(path, { maxLength: 3 });

const op: Arbitrary<Op> = oneof(
  { weight: 8, arbitrary: create },
  { weight: 5, arbitrary: remove },
  { weight: 5, arbitrary: setData },
  { weight: 10, arbitrary: watchable },
  {
    weight: 3,
    arbitrary: record({
      type: constantFrom(
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
    arbitrary: record({
      type: constantFrom(
        'ping' as const,
        'whoAmI' as const,
        'reconfig' as const,
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: record({
      type: constant('multi' as const),
      operations: array(multiOperation, { maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      type: constant('multiRead' as const),
      reads: array(
        record({
          type: constantFrom('getData' as const, 'getChildren' as const),
          path,
        }),
        { maxLength: 3 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: record({
      type: constant('addWatch' as const),
      path,
      mode: constantFrom(0, 1, 1, 2),
    }),
  },
  {
    weight: 2,
    arbitrary: record({
      type: constantFrom('removeWatches' as const, 'checkWatches' as const),
      path,
      watcher: constantFrom(1, 2, 3, 4, 5, 9),
    }),
  },
  {
    weight: 2,
    arbitrary: record({
      type: constantFrom('setWatches' as const, 'setWatches2' as const),
      since: integer({ min: 0, max: 6 }),
      data: paths,
      exist: paths,
      children: paths,
      persistent: paths,
      recursive: paths,
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      type: constant('createTtl' as const),
      path,
      flags: constantFrom(0, 5, 6),
      ttl: constantFrom(1, 1000),
    }),
  },
);

/**
 * What comes alone: how far the requests behind it have come when it takes effect is
 * a matter of luck. A real server answers `auth` out of turn, and checks a write by
 * the ACL before until `setAcl` is through.
 */
const alone: Arbitrary<Op> = oneof(
  record({
    type: constant('auth' as const),
    scheme: constantFrom('digest', 'digest', 'digest', 'ip'),
    secret: constantFrom('u1:p1', 'u2:p2', 'u2:wrong', 'nobody'),
  }),
  record({
    type: constant('setAcl' as const),
    path: anyPath,
    acl,
    version,
  }),
);

/** What ends the connection. */
const fatal: Arbitrary<Op> = oneof(
  record({
    type: constant('unknown' as const),
    opcode: constantFrom(0, 10, 99, 108, 1000, -3),
  }),
  record({
    type: constant('auth' as const),
    scheme: constantFrom('world', 'nothing', 'sasl'),
    secret: constant('x'),
  }),
);

const session = nat({ max: SESSIONS - 1 });

const common: { weight: number; arbitrary: Arbitrary<Step> }[] = [
  {
    weight: 20,
    arbitrary: record({
      type: constant('requests' as const),
      session,
      ops: array(op, { minLength: 1, maxLength: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      type: constant('requests' as const),
      session,
      ops: fatal.map((each) => [each]),
    }),
  },
  {
    weight: 4,
    arbitrary: record({
      type: constant('requests' as const),
      session,
      ops: alone.map((each) => [each]),
    }),
  },
  {
    weight: 4,
    arbitrary: record({
      type: constantFrom(
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
  arbitrary: record({ type: constant('expire' as const), session }),
};

/** @param hasExpiries whether sessions time out, which takes a while each time */
export function history(hasExpiries: boolean): Arbitrary<History> {
  const steps = hasExpiries ? [...common, expiry] : common;
  return array(oneof(...steps), { minLength: 2, maxLength: LONGEST });
}
