import { describe, expect, it } from '@jest/globals';
import {
  nodePrefix,
  parseClaim,
  parseElectionNode,
  parseParticipant,
  withClaim,
} from '../../../lib/election/election-node.js';
import {
  outrankedBefore,
  makesWayFor,
  Uptime,
} from '../../../lib/election/precedence.js';
import type { NodeStat } from '../../../lib/zookeeper/zookeeper-client.interface.js';

/** The name of a node: `node(3, 7)` has the priority 3 and the number 7. */
function node(priority: number, sequence: number): string {
  return `${nodePrefix('uuid', priority)}${String(sequence).padStart(10, '0')}`;
}

describe('the priority in the name of a node', () => {
  it.each([0, 1, -1, 1.5, -0.25, 20261129, 1e300, -1e-7, Number.MAX_VALUE])(
    '%d is read as it was written',
    (priority) => {
      expect(parseElectionNode(node(priority, 12))).toMatchObject({
        priority,
        sequence: 12,
      });
    },
  );

  it('is not written where it is 0: earlier versions have such names', () => {
    expect(nodePrefix('uuid', 0)).toBe('uuid-n_');
    expect(parseElectionNode('uuid-n_0000000001')?.priority).toBe(0);
  });

  it.each([
    'x-p-n_0000000001',
    'x-pq-n_0000000001',
    'x-p1.2.3-n_0000000001',
    'x-p1e+999-n_0000000001',
    'x-p1-2-n_0000000001',
  ])('is 0 in a name that says no number: %s', (name) => {
    expect(parseElectionNode(name)?.priority).toBe(0);
  });

  it('is shown with the participant', () => {
    const stat = { czxid: 7, createdAtMs: 1_000 } as NodeStat;
    expect(parseParticipant(node(3, 1), '', stat).priority).toBe(3);
    expect(parseParticipant(node(0, 1), '', stat)).not.toHaveProperty(
      'priority',
    );
  });
});

describe('those that have to make way', () => {
  it('are all before it that have a lower priority', () => {
    const ahead = [node(1, 1), node(0, 2), node(1, 3)];
    expect(outrankedBefore(ahead, node(2, 4))).toEqual(ahead);
  });

  it('are none with the same or a higher priority', () => {
    expect(outrankedBefore([node(2, 1), node(3, 2)], node(2, 3))).toEqual([]);
    expect(outrankedBefore([], node(2, 3))).toEqual([]);
  });

  it('are none that stand before one with the same or a higher priority', () => {
    const ahead = [node(1, 1), node(2, 2), node(1, 3), node(0, 4)];
    expect(outrankedBefore(ahead, node(2, 5))).toEqual([
      node(1, 3),
      node(0, 4),
    ]);
  });

  it('make way for a higher one behind them, and for nobody else', () => {
    expect(makesWayFor(node(1, 1), node(2, 2))).toBe(true);
    expect(makesWayFor(node(1, 1), node(1, 2))).toBe(false);
    expect(makesWayFor(node(2, 1), node(1, 2))).toBe(false);
    expect(makesWayFor(node(1, 3), node(2, 2))).toBe(false);
    expect(makesWayFor(node(-1, 1), 'nonsense')).toBe(false);
    expect(makesWayFor(node(1, 1), 'nonsense')).toBe(false);
  });
});

describe('among those with the same priority', () => {
  /** The name of a node whose instance takes part in balancing. */
  function balanced(
    session: string,
    priority: number,
    sequence: number,
  ): string {
    const number = String(sequence).padStart(10, '0');
    return `${nodePrefix('uuid', priority, session)}${number}`;
  }
  const [a, b, c] = [
    balanced('a1', 0, 1),
    balanced('b2', 0, 2),
    balanced('c3', 0, 3),
  ] as const;

  it('the session is part of the name, before the priority', () => {
    expect(parseElectionNode(balanced('10000a7', 4, 5))).toEqual({
      name: 'uuid-s10000a7-p4-n_0000000005',
      sequence: 5,
      priority: 4,
      session: '10000a7',
    });
    expect(parseElectionNode(a)).toMatchObject({ priority: 0, session: 'a1' });
    expect(parseElectionNode(node(1, 1))).not.toHaveProperty('session');
  });

  it('all have to make way for the favourite', () => {
    expect(outrankedBefore([a, b], c, 'c3')).toEqual([a, b]);
    expect(makesWayFor(a, c, 'c3')).toBe(true);
  });

  it('nobody has to make way for another one, or while nobody is known', () => {
    for (const favourite of ['a1', 'b2', 'd4', undefined]) {
      expect(outrankedBefore([a, b], c, favourite)).toEqual([]);
      expect(makesWayFor(a, c, favourite)).toBe(false);
    }
  });

  it('the favourite makes way for nobody, and a former one does', () => {
    expect(makesWayFor(a, b, 'a1')).toBe(false);
    expect(makesWayFor(a, b, 'b2')).toBe(true);
  });

  it('one that does not balance makes no way, and is asked by nobody', () => {
    const stranger = node(0, 2);
    expect(makesWayFor(stranger, c, 'c3')).toBe(false);
    expect(makesWayFor(a, node(0, 4), 'c3')).toBe(false);
    expect(outrankedBefore([a, stranger], c, 'c3')).toEqual([]);
    expect(outrankedBefore([stranger, b], c, 'c3')).toEqual([b]);
  });

  it('a higher priority comes before the favourite', () => {
    const higher = balanced('d4', 1, 4);
    expect(outrankedBefore([a, b, c], higher, 'c3')).toEqual([a, b, c]);
    expect(makesWayFor(c, higher, 'c3')).toBe(true);
    expect(makesWayFor(balanced('d4', 1, 2), c, 'c3')).toBe(false);
    expect(outrankedBefore([balanced('d4', 1, 2)], c, 'c3')).toEqual([]);
  });
});

describe('a claim', () => {
  it('is written beside what the node says', () => {
    const data = withClaim('{"instanceId":"a","leaderSince":"x"}', 'claimant');
    expect(parseClaim(data as string)).toEqual({
      node: 'claimant',
      leaderSince: 'x',
    });
    expect(JSON.parse(data as string)).toMatchObject({ instanceId: 'a' });
  });

  it('does not replace data that is not ours', () => {
    expect(withClaim('something else', 'claimant')).toBeUndefined();
    expect(withClaim('{}', 'claimant')).toBeUndefined();
  });

  it.each(['', '{}', '{"claimedBy":5}', '[]', 'null'])(
    'is not read from %j',
    (data) => {
      expect(parseClaim(data)).toBeUndefined();
    },
  );
});

describe('the time before a higher one takes over', () => {
  function newUptime() {
    const clock = { ms: 0 };
    return { clock, uptime: new Uptime(() => clock.ms) };
  }

  it('is nothing at a first start', () => {
    const { clock, uptime } = newUptime();
    expect(uptime.waitMs).toBe(0);
    uptime.connected();
    clock.ms = 5;
    expect(uptime.waitMs).toBe(0);
  });

  it('is three times the last uptime, spent connected', () => {
    const { clock, uptime } = newUptime();
    uptime.connected();
    clock.ms = 1_000;
    uptime.disconnected();
    clock.ms = 9_000;
    uptime.end();
    expect(uptime.waitMs).toBe(3_000);
    uptime.connected();
    clock.ms = 10_000;
    expect(uptime.waitMs).toBe(2_000);
    uptime.disconnected();
    clock.ms = 20_000;
    expect(uptime.waitMs).toBe(2_000);
    uptime.connected();
    clock.ms = 22_000;
    expect(uptime.waitMs).toBe(0);
  });

  it('is a minute at most', () => {
    const { clock, uptime } = newUptime();
    uptime.connected();
    clock.ms = 3_600_000;
    uptime.disconnected();
    uptime.end();
    expect(uptime.waitMs).toBe(60_000);
  });

  it('begins anew while the connection goes on', () => {
    const { clock, uptime } = newUptime();
    uptime.connected();
    clock.ms = 1_000;
    uptime.end();
    expect(uptime.waitMs).toBe(3_000);
    clock.ms = 2_000;
    expect(uptime.waitMs).toBe(2_000);
  });

  it('is not forgotten by attempts that never connect', () => {
    const { clock, uptime } = newUptime();
    uptime.connected();
    clock.ms = 1_000;
    uptime.disconnected();
    uptime.end();
    uptime.disconnected();
    uptime.end();
    expect(uptime.waitMs).toBe(3_000);
  });
});
