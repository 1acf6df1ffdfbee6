import { describe, expect, it } from '@jest/globals';
import * as fc from '../support/fast-check.js';
import { instanceOf } from '../../lib/cluster/cluster-view.js';
import {
  parseElectionNode,
  parseClaim,
  parseParticipant,
  parseResignRequest,
  sortedNodes,
  withClaim,
  withResignRequest,
  withTasks,
} from '../../lib/election/election-node.js';
import {
  foreignLeaderMessage,
  foreignLeaders,
} from '../../lib/foreign-leader/foreign-leader.js';
import { listTasks } from '../../lib/foreign-leader/participant-tasks.js';
import {
  FORMAT,
  parseLedger,
  pauseOf,
  runsOf,
  takenOver,
} from '../../lib/tasks/ledger/ledger.js';
import { parseRequest } from '../../lib/tasks/requests/run-request.js';
import { acl } from '../../lib/zookeeper/codec/acl.record.js';
import { JuteReader } from '../../lib/zookeeper/codec/jute-reader.js';
import { describeRequestProblem } from '../../lib/zookeeper/request-check.js';
import { decodeSegment, encodeSegment } from '../../lib/node-paths.js';
import {
  describePathProblem,
  parseConnectionString,
} from '../../lib/zookeeper/connection-string.js';

const RUNS = { numRuns: 2_000 };

const stat = {
  czxid: 7,
  mzxid: 7,
  pzxid: 7,
  version: 0,
  numChildren: 0,
  ephemeralOwner: '0',
  createdAtMs: 0,
  modifiedAtMs: 0,
};

/** JSON with the names of ours, and with those that a prototype has. */
function hostileJson(...names: string[]): fc.Arbitrary<string> {
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue(),
      fc.constantFrom(FORMAT, 'task', 0, -1, 2 ** 53, 8.64e15 + 1, null, ''),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc
        .array(
          fc.tuple(
            fc.constantFrom(...names, '__proto__', 'constructor', 'toString'),
            tie('tree'),
          ),
          { maxLength: 8 },
        )
        .map((entries) => ({ entries })),
    ),
  }));
  return fc.oneof(
    fc.string({ unit: 'binary' }),
    tree.map((value) => JSON.stringify(withMembers(value)) ?? 'null'),
  );
}

/** Objects whose member `__proto__` is written as JSON, not obeyed. */
function withMembers(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withMembers);
  }
  if (typeof value === 'object' && value !== null && 'entries' in value) {
    const made: Record<string, unknown> = {};
    for (const [name, member] of value.entries as [string, unknown][]) {
      Object.defineProperty(made, name, {
        value: withMembers(member),
        enumerable: true,
        configurable: true,
      });
    }
    return made;
  }
  return value;
}

function expectCleanPrototypes(): void {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Object.keys(Array.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
}

function readsAll(data: string): boolean {
  return (
    parseParticipant('n', data, stat).tasks !== undefined ||
    parseResignRequest(data) !== undefined ||
    parseClaim(data) !== undefined
  );
}

describe('whatever stands in the node of a participant', () => {
  const fields = ['instanceId', 'host', 'pid', 'fencingToken', 'leaderSince'];
  const foreign = fc
    .record({
      application: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
      tasks: fc.oneof(
        fc.jsonValue(),
        fc.record(
          {
            format: fc.constantFrom(1, 2, '1', null),
            names: fc.oneof(
              fc.jsonValue(),
              fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue())),
            ),
            more: fc.oneof(
              fc.jsonValue(),
              fc.record({
                count: fc.oneof(fc.double(), fc.integer(), fc.string()),
                digest: fc.oneof(fc.string({ unit: 'binary' }), fc.nat()),
              }),
            ),
          },
          { requiredKeys: [] },
        ),
      ),
    })
    .map((value) => JSON.stringify(value));

  it('application and tasks are names of one line each, or are not known', () => {
    const known = new Set<boolean>();
    const self = {
      instanceId: 'self',
      application: 'own',
      tasks: listTasks(['a', 'b']),
    };
    fc.assert(
      fc.property(
        fc.oneof(foreign, hostileJson('application', 'tasks', 'names', 'more')),
        (data) => {
          const { application = '', tasks } = parseParticipant('n', data, stat);
          known.add(tasks !== undefined);
          for (const name of [application, ...(tasks?.names ?? [])]) {
            expect(name.length).toBeLessThanOrEqual(255);
            expect(name).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
          }
          expect((tasks?.more?.count ?? 1) > 0).toBe(true);
          const leader = parseParticipant('n', data, stat);
          for (const found of foreignLeaders(leader, [self]).values()) {
            const message = foreignLeaderMessage(found, '/e');
            expect(message.length).toBeLessThan(2_000);
            expect(message).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
          }
          const restated = withTasks(data, self.tasks);
          expect(restated !== undefined || data.length > 4_000).toBe(true);
          fc.pre(restated !== undefined);
          expect(parseParticipant('n', restated, stat).tasks).toEqual(
            self.tasks,
          );
          expect(withTasks(restated, self.tasks)).toBeUndefined();
        },
      ),
      RUNS,
    );
    expect(known.size).toBe(2);
    expectCleanPrototypes();
  });

  it.each([4_000, 4_090, 4_096, 4_097, 9_000])(
    'what is added to %d characters is read again, or not written',
    (length) => {
      const node = { instanceId: 'a', leaderSince: 'today', fencingToken: 1 };
      const most = length - JSON.stringify({ ...node, of: '' }).length;
      const data = JSON.stringify({ ...node, of: 'x'.repeat(most) });
      const outcomes = [
        withTasks(data, listTasks(['a'])),
        withResignRequest(data, 'operator'),
        withClaim(data, `${'0'.repeat(36)}-n_0000000001`),
      ].map((written) => written === undefined || readsAll(written));
      expect(outcomes).toEqual([true, true, true]);
    },
  );

  it('the result is a participant, in a few short lines', () => {
    fc.assert(
      fc.property(fc.string(), hostileJson(...fields), (node, data) => {
        const participant = parseParticipant(node, data, stat);
        expect(Object.getPrototypeOf(participant)).toBe(Object.prototype);
        expect(Object.keys(participant)).toEqual(
          expect.arrayContaining(['node', 'instanceId', 'fencingToken']),
        );
        const { instanceId, host = '', fencingToken } = participant;
        expect(Number.isSafeInteger(fencingToken)).toBe(true);
        expect(instanceId.length + host.length).toBeLessThanOrEqual(510);
        // oxlint-disable-next-line no-control-regex
        expect(instanceId + host).not.toMatch(/[\u0000-\u001f\u2028\u2029]/);
        const { leaderSince } = participant;
        expect(leaderSince && Number.isNaN(leaderSince.getTime())).not.toBe(
          true,
        );
      }),
      RUNS,
    );
    expectCleanPrototypes();
  });

  it('a wish that the leader make way is one for a term, or none', () => {
    const names = [...fields, 'resignRequestedBy'];
    const outcomes = new Set<boolean>();
    fc.assert(
      fc.property(
        fc.oneof(
          hostileJson(...names),
          fc
            .record({
              resignRequestedBy: fc.string({ unit: 'binary' }),
              fencingToken: fc.oneof(fc.double(), fc.maxSafeNat()),
              leaderSince: fc.string(),
            })
            .map((value) => JSON.stringify(value)),
        ),
        (data) => {
          const request = parseResignRequest(data);
          outcomes.add(request !== undefined);
          const { requestedBy = '', fencingToken = 0 } = request ?? {};
          expect(requestedBy).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
          expect(Number.isSafeInteger(fencingToken)).toBe(true);
          const asked = withResignRequest(data, 'operator');
          expect(
            asked === undefined || typeof JSON.parse(asked) === 'object',
          ).toBe(true);
        },
      ),
      RUNS,
    );
    expect(outcomes.size).toBe(2);
    expectCleanPrototypes();
  });

  it.each([
    ['a line of a log', 'a\nERROR leader "b"'],
    ['an escape sequence', '\u001b[2J'],
    ['too long', 'x'.repeat(256)],
  ])('a name that is %s is not repeated', (_, instanceId) => {
    const data = JSON.stringify({ instanceId, host: instanceId });
    const participant = parseParticipant('n', data, stat);
    expect(participant.instanceId).toBe('(unknown)');
    expect(participant).not.toHaveProperty('host');
  });

  it('only names that ZooKeeper has numbered are in the queue', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (names) => {
        const nodes = sortedNodes([...names, 'u-n_0000000001']);
        expect(nodes.length).toBeGreaterThan(0);
        for (const { name, sequence } of nodes) {
          expect(parseElectionNode(name)?.sequence).toBe(sequence);
          expect(Math.abs(sequence)).toBeLessThan(1e10);
        }
      }),
      RUNS,
    );
  });
});

describe('whatever stands in the node of an instance', () => {
  it('the result is an instance, in a few short lines', () => {
    const fields = ['instanceId', 'host', 'pid', 'version', 'since'];
    fc.assert(
      fc.property(hostileJson(...fields), (data) => {
        const { instanceId, host, version, pid, since } = instanceOf({ data });
        for (const name of [instanceId, host ?? '', version ?? '']) {
          expect(name.length).toBeLessThanOrEqual(255);
          expect(name).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u);
        }
        expect(pid === undefined || Number.isSafeInteger(pid)).toBe(true);
        expect(since && Number.isNaN(since.getTime())).not.toBe(true);
      }),
      RUNS,
    );
    expectCleanPrototypes();
  });

  it('one that is too long is not even parsed', () => {
    const data = JSON.stringify({ instanceId: 'a', more: 'x'.repeat(5_000) });
    expect(instanceOf({ data }).instanceId).toBe('(unknown)');
  });
});

describe('whatever stands in the node of a ledger', () => {
  const fields = [
    'format',
    'task',
    'token',
    'tick',
    'open',
    'past',
    'id',
    'instanceId',
    'startedAt',
    'attempt',
    'outcome',
    'error',
    'durationMs',
    'since',
    'pause',
    'by',
    'at',
    'reason',
    'requestedBy',
    'trigger',
    'timedOut',
  ];

  it('what is read is a ledger, or a short error says why not', () => {
    fc.assert(
      fc.property(hostileJson(...fields), (data) => {
        let parsed;
        try {
          parsed = parseLedger(data, 'task');
        } catch (error) {
          // oxlint-disable-next-line jest/no-conditional-expect
          expect(error).toBeInstanceOf(TypeError);
          return (error as Error).message.length < 250;
        }
        runsOf(parsed);
        pauseOf(parsed);
        takenOver(
          parsed,
          Number.MAX_SAFE_INTEGER,
          (run) => ({ is: 'replaced', by: run, isInterrupted: true }),
          3,
        );
        return true;
      }),
      RUNS,
    );
    expectCleanPrototypes();
  });

  it('one that is half right works, or is refused as a whole', () => {
    const outcomes = new Set<boolean>();
    const time = fc.oneof(fc.integer(), fc.constantFrom(8.64e15, 8.65e15));
    const run = fc.record(
      {
        id: fc.string(),
        tick: time,
        attempt: fc.nat(),
        instanceId: fc.string(),
        token: fc.maxSafeNat(),
        startedAt: time,
        outcome: fc.constantFrom('finished', 'failed', 'no outcome'),
        durationMs: fc.oneof(fc.double(), fc.string()),
      },
      { requiredKeys: ['id', 'tick', 'instanceId', 'token'] },
    );
    fc.assert(
      fc.property(
        time,
        fc.array(run, { maxLength: 3 }),
        fc.array(run, { maxLength: 3 }),
        (tick, open, past) => {
          const data = {
            format: FORMAT,
            task: 't',
            token: 1,
            tick,
            open,
            past,
          };
          try {
            for (const { startedAt } of runsOf(
              parseLedger(JSON.stringify(data), 't'),
            )) {
              startedAt.toISOString();
            }
            outcomes.add(true);
          } catch (error) {
            outcomes.add(false);
            return error instanceof TypeError;
          }
          return true;
        },
      ),
      RUNS,
    );
    expect(outcomes.size).toBe(2);
  });

  it('one that is too long is not even parsed', () => {
    expect(() => parseLedger(`"${'x'.repeat(1_000_000)}"`, 't')).toThrow(
      /it has 1000002 characters/,
    );
  });
});

describe('a request', () => {
  it('that passes is one that the native client survives', () => {
    const outcomes = new Set<boolean>();
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.string().map((text) => `/${text}`),
        ),
        fc.oneof(fc.anything(), fc.string()),
        fc.oneof(fc.anything(), fc.integer()),
        (path, data, version) => {
          const problem = describeRequestProblem(path, { data, version });
          const passes = problem === undefined;
          outcomes.add(passes);
          expect(
            !passes ||
              (typeof path === 'string' &&
                path.startsWith('/') &&
                !path.includes('\0') &&
                (version === undefined || Number.isInteger(version)) &&
                (data === undefined || typeof data === 'string')),
          ).toBe(true);
        },
      ),
      RUNS,
    );
    expect(outcomes.size).toBe(2);
  });
});

describe('what a server sends', () => {
  it('is read to its end at most', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          const list = acl.read(new JuteReader(Buffer.from(bytes)));
          outcomes.add(list.length <= 1_000 ? 'a list' : 'too long');
        } catch (error) {
          outcomes.add((error as Error).name);
        }
      }),
      RUNS,
    );
    expect([...outcomes].toSorted()).toEqual(['RangeError', 'a list']);
  });
});

describe('a connection string', () => {
  it('names servers, or an error says what is wrong with it, without secrets', () => {
    const outcomes = new Set<string>();
    const part = fc.oneof(
      fc.constantFrom('zk1', 'u:geheim@zk1', '[::1]', ':2181', ',', '/', '//'),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        try {
          const { servers } = parseConnectionString(parts.join(''));
          outcomes.add('servers');
          for (const { host, port } of servers) {
            expect(host).not.toMatch(/[\s@,]/);
            expect(port > 0 && port < 65_536).toBe(true);
          }
        } catch (error) {
          outcomes.add((error as Error).name);
          // oxlint-disable-next-line jest/no-conditional-expect
          expect((error as Error).message).not.toMatch(/geheim/);
        }
      }),
      RUNS,
    );
    expect([...outcomes].toSorted()).toEqual(['TypeError', 'servers']);
  });
});

describe('the name of an election or a task', () => {
  it('is one segment of a path that ZooKeeper accepts, and comes back', () => {
    const name = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.constantFrom('.', '..', 'a/b', '%2F', '%', 'zookeeper', '\0', 'ä b'),
    );
    fc.assert(
      fc.property(name, (text) => {
        const segment = encodeSegment(text);
        expect(segment).not.toMatch(/[/\0]/);
        expect(describePathProblem(`/base/${segment}`)).toBeUndefined();
        expect(decodeSegment(segment)).toBe(text);
      }),
      RUNS,
    );
  });
});

describe('a request to run a task', () => {
  const request = {
    format: 'nestjs-zookeeper-leader/run-request/1',
    task: 'task',
    requestedBy: 'somebody',
    deadline: 1,
    isForced: false,
  };

  it.each([
    ['nobody has taken', {}, true],
    ['has been taken', { claim: { id: 'a', instanceId: 'b', token: 1 } }, true],
    ['has an empty claim', { claim: null }, false],
    ['has another claim than ours', { claim: 'mine' }, false],
    ['has an empty answer', { answer: null }, false],
    ['has no task', { task: 7 }, false],
  ])('that %s is read only if it is one', (_what, parts, isRequest) => {
    const data = JSON.stringify({ ...request, ...parts });
    expect(parseRequest(data) !== undefined).toBe(isRequest);
  });
});
