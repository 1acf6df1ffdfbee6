import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { LeadershipChecker } from '../support/leadership-checker.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { waitFor } from '../support/wait-for.js';

describe('LeadershipChecker', () => {
  const ms = (value: number) => BigInt(value) * 1_000_000n;
  const term = (
    instance: string,
    from: number,
    until: number | undefined,
    fencingToken: number,
    election = 'default',
  ) => ({
    instance,
    election,
    fencingToken,
    fromNs: ms(from),
    ...(until !== undefined && { untilNs: ms(until) }),
  });

  it('accepts leaders one after the other, whatever the order of recording', () => {
    const checker = new LeadershipChecker();
    checker.add(
      term('b', 20, undefined, 8),
      term('a', 0, 10, 7),
      term('a', 10, 20, 7),
      term('b', 0, 100, 1, 'other'),
    );
    checker.assertNoViolations();
    expect(checker.leaderChanges('default')).toBe(1);
  });

  it('reports every pair that led at the same time', () => {
    const checker = new LeadershipChecker();
    checker.add(term('a', 0, 30, 1), term('b', 10, 40, 2));
    checker.gained({
      instance: 'c',
      election: 'default',
      fencingToken: 3,
      fromNs: ms(20),
    });
    checker.lost('c', 'default', ms(25));
    expect(checker.violations()).toEqual([
      'default: b [10.000 ms to 40.000 ms, token 2]: overlaps with default: a [0.000 ms to 30.000 ms, token 1]',
      'default: c [20.000 ms to 25.000 ms, token 3]: overlaps with default: a [0.000 ms to 30.000 ms, token 1]',
      'default: c [20.000 ms to 25.000 ms, token 3]: overlaps with default: b [10.000 ms to 40.000 ms, token 2]',
    ]);
    expect(() => checker.assertNoViolations()).toThrow(
      '3 violations in 3 intervals of leadership:',
    );
  });

  it('overlaps with a leader that has never lost', () => {
    const checker = new LeadershipChecker();
    checker.add(term('a', 0, undefined, 1), term('b', 10, 20, 2));
    expect(checker.violations()).toHaveLength(1);
  });

  it('reports tokens that go back, or on to another instance', () => {
    const checker = new LeadershipChecker();
    checker.add(
      term('a', 0, 10, 5),
      term('b', 10, 20, 5),
      term('a', 20, 30, 5),
      term('a', 30, 40, 4),
    );
    expect(checker.violations()).toEqual([
      'default: b [10.000 ms to 20.000 ms, token 5]: its token is not greater than that of default: a [0.000 ms to 10.000 ms, token 5]',
      'default: a [30.000 ms to 40.000 ms, token 4]: its token is not greater than that of default: a [0.000 ms to 10.000 ms, token 5]',
    ]);
  });
});

describe('freePort', () => {
  it('gives no port twice, in one process or in several', async () => {
    const { href } = new URL(
      '../../scripts/zookeeper/free-port.mjs',
      import.meta.url,
    );
    const program = `
      import { freePort } from '${href}';
      const ports = [];
      for (let draw = 0; draw < 400; draw++) ports.push(await freePort());
      console.log(JSON.stringify(ports));
      process.stdin.resume();
    `;
    const processes = [1, 2].map(() =>
      spawn(process.execPath, ['--input-type=module', '--eval', program], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    const answers = await Promise.all(
      processes.map(async ({ stdout }) => {
        const [line] = await once(createInterface(stdout), 'line');
        return JSON.parse(line) as number[];
      }),
    );
    for (const { stdin } of processes) {
      stdin.end();
    }
    const ports = answers.flat();
    expect(ports).toHaveLength(800);
    expect(new Set(ports).size).toBe(800);
  });
});

describe('waitFor', () => {
  it('returns what the condition returned, as soon as that is truthy', async () => {
    let calls = 0;
    expect(await waitFor(() => (++calls === 3 ? 'third' : ''))).toBe('third');
  });

  it('takes an error for "not yet", and reports the last one', async () => {
    const condition = () => Promise.reject(new Error('not there'));
    await expect(
      waitFor(condition, { timeoutMs: 300, description: 'a file' }),
    ).rejects.toThrow(
      'Timed out after 300 ms waiting for a file; it threw not there.',
    );
  });

  it('does not wait longer for a condition that never settles', async () => {
    const condition = () => new Promise<boolean>(() => undefined);
    await expect(waitFor(condition, { timeoutMs: 300 })).rejects.toThrow(
      'Timed out after 300 ms',
    );
  });
});

describe('waitFor under fake timers', () => {
  it('still polls and still expires', async () => {
    jest.useFakeTimers();
    try {
      await expect(
        waitFor(() => false, { timeoutMs: 300, description: 'nothing' }),
      ).rejects.toThrow('waiting for nothing; it returned false.');
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('MemoryLogger', () => {
  it('keeps what is logged through Nest, with its level and context', () => {
    const memory = new MemoryLogger();
    Logger.overrideLogger(memory);
    try {
      const logger = new Logger('Context');
      logger.warn('careful');
      logger.error('broken', 'the stack');
    } finally {
      Logger.overrideLogger(new MemoryLogger());
    }
    expect(memory.entries).toEqual([
      { level: 'warn', message: 'careful', context: 'Context' },
      { level: 'error', message: 'broken', context: 'Context' },
    ]);
    expect(memory.messages('warn')).toEqual(['careful']);
  });
});
