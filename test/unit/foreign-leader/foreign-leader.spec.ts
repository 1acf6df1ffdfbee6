import { describe, expect, it } from '@jest/globals';
import {
  participantData,
  parseParticipant,
} from '../../../lib/election/election-node.js';
import {
  foreignLeader,
  foreignLeaderMessage,
  foreignLeaders,
  type Standing,
} from '../../../lib/foreign-leader/foreign-leader.js';
import {
  lackedTasks,
  listTasks,
} from '../../../lib/foreign-leader/participant-tasks.js';
import type { NodeStat } from '../../../lib/zookeeper/zookeeper-client.interface.js';

const PATH = '/nestjs-leader/elections/default';
const STAT = { czxid: 7, createdAtMs: 1_000 } as NodeStat;

const numbered = (count: number, prefix = 'task'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${100 + index}`);

function standing(
  instanceId: string,
  application: string | undefined,
  ...tasks: string[]
): Standing {
  return {
    instanceId,
    ...(application !== undefined && { application }),
    tasks: listTasks(tasks),
  };
}

describe('the tasks in an entry', () => {
  it('are in order, each once', () => {
    expect(listTasks(['b', 'a', 'b'])).toEqual({ names: ['a', 'b'] });
  });

  it.each([
    ['many', numbered(200)],
    ['long', numbered(30, 'x'.repeat(190))],
    ['long in bytes', numbered(30, '💡'.repeat(90))],
    ['one that is too long', ['x'.repeat(1_100)]],
  ])('that are %s stay bounded, and are counted', (_, names) => {
    const { names: listed, more } = listTasks(names);
    expect(listed.length + (more?.count ?? 0)).toBe(names.length);
    expect(listed).toEqual(names.toSorted().slice(0, listed.length));
    const data = participantData(
      { instanceId: '"'.repeat(200), host: 'h'.repeat(255), pid: 4_194_304 },
      listTasks(names),
      { fencingToken: Number.MAX_SAFE_INTEGER, since: new Date() },
    );
    expect(Buffer.byteLength(data)).toBeLessThan(2_100);
    expect(parseParticipant('n', data, STAT).tasks).toEqual(listTasks(names));
  });

  it.each([
    ['nothing', undefined],
    ['a later format', { format: 2, names: ['a'] }],
    ['no list', { format: 1, names: 'a' }],
  ])('are not known from %s', (_, tasks) => {
    const data = JSON.stringify({ instanceId: 'i', tasks });
    expect(parseParticipant('n', data, STAT)).not.toHaveProperty('tasks');
  });
});

describe('what a list of tasks lacks of another', () => {
  const compare = (list: string[], other: string[]) =>
    lackedTasks(listTasks(list), listTasks(other));

  it.each([
    ['the same', ['a', 'b'], ['b', 'a'], []],
    ['more', ['a', 'b'], ['a'], []],
    ['less', ['a'], ['a', 'b'], ['b']],
    ['nothing', [], ['a', 'b'], ['a', 'b']],
  ])('is named if it has %s', (_, list, other, names) => {
    expect(compare(list, other)).toEqual({ names, mayBeMore: false });
  });

  it('is nothing where one of them is not known', () => {
    const nothing = { names: [], mayBeMore: false };
    expect(lackedTasks(undefined, listTasks(['a']))).toEqual(nothing);
    expect(lackedTasks(listTasks(['a']), undefined)).toEqual(nothing);
  });

  it('is nothing between two long lists that are the same', () => {
    expect(compare(numbered(200), numbered(200).toReversed())).toEqual({
      names: [],
      mayBeMore: false,
    });
  });

  it('is named as far as a long list goes, and noticed beyond', () => {
    const all = numbered(200);
    const without = (name: string): string[] =>
      all.filter((each) => each !== name);
    expect(compare(without('task-110'), all)).toMatchObject({
      names: ['task-110'],
    });
    expect(compare(without('task-290'), all)).toEqual({
      names: [],
      mayBeMore: true,
    });
  });

  it('is found between a long list and a short one, either way', () => {
    const all = numbered(51);
    expect(compare(all, all.slice(0, 3))).toEqual({
      names: [],
      mayBeMore: false,
    });
    expect(compare(all, ['task-150'])).toEqual({ names: [], mayBeMore: false });
    expect(compare(all, ['task-100', 'zebra']).mayBeMore).toBe(true);
    expect(compare(['task-100'], all)).toMatchObject({
      names: all.slice(1, 50),
      mayBeMore: true,
    });
    expect(compare(all.slice(0, 50), all).mayBeMore).toBe(true);
  });
});

describe('a leader', () => {
  it('that has the tasks of those that wait is their own', () => {
    const leader = standing('1', 'shop', 'a', 'b');
    expect(foreignLeader(leader, standing('2', 'shop', 'a'))).toBeUndefined();
    expect(foreignLeader(leader, standing('2', undefined))).toBeUndefined();
    expect(foreignLeader({ instanceId: 'old' }, leader)).toBeUndefined();
    expect(foreignLeader(leader, { instanceId: 'old' })).toBeUndefined();
  });

  it('of another application is foreign, and the message says what to do', () => {
    const found = foreignLeaders(standing('s', 'shop', 'a'), [
      standing('b1', 'billing', 'x', 'y'),
      standing('b2', 'billing', 'x', 'y'),
    ]);
    expect(
      [...found.values()].map((each) => foreignLeaderMessage(each, PATH)),
    ).toEqual([
      `The election ${PATH} is led by another application, "s" of "shop": ` +
        '"b1" of "billing" and 1 more instance wait behind it. The leader does ' +
        'not have the tasks "x", "y": they do not run. Give each application a ' +
        'basePath of its own; if both are one, give them the same option ' +
        'application.',
    ]);
  });

  it('of another application with the same names of tasks is foreign', () => {
    const found = foreignLeader(
      standing('s', 'shop', 'cleanup'),
      standing('b', 'billing', 'cleanup'),
    );
    expect(found && foreignLeaderMessage(found, PATH)).toContain(
      'Its own tasks run, and not those of "billing".',
    );
  });

  it('of another version is named with the tasks that it lacks', () => {
    const found = foreignLeader(
      standing('1', 'shop', 'a'),
      standing('2', 'shop', 'a', ...numbered(12)),
    );
    expect(found && foreignLeaderMessage(found, PATH)).toBe(
      `The election ${PATH} is led by another version, "1": "2" waits behind ` +
        `it. The leader does not have the tasks ${numbered(10)
          .map((name) => `"${name}"`)
          .join(', ')} and 2 more: they do not run. While a new version is ` +
        'deployed, this passes. If it stays, deploy the same version everywhere, ' +
        'or give each application a basePath of its own.',
    );
  });

  it('is foreign in as many ways as those behind it differ, not as they are many', () => {
    const found = foreignLeaders(standing('s', 'shop', 'a'), [
      standing('s2', 'shop', 'a'),
      standing('s3', 'shop', 'a', 'b'),
      standing('x1', 'billing', 'x'),
      standing('s4', 'shop', 'a', 'b'),
    ]);
    expect([...found.values()].map(({ others }) => others)).toEqual([1, 0]);
    const again = foreignLeaders(standing('s9', 'shop', 'a'), [
      standing('s7', 'shop', 'a', 'b'),
      standing('x3', 'billing', 'x'),
    ]);
    expect([...again.keys()]).toEqual([...found.keys()]);
  });
});
