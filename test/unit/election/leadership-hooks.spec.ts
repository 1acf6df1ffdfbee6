import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { LeaderElection, OnDeposed, OnElected } from '../../../lib/index.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';

afterEach(closeApplications);

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

describe('a hook that throws', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['an object without a prototype', Object.create(null)],
    ['a cyclic object', cyclic],
    [
      'an error whose stack throws',
      Object.defineProperty(new Error('x'), 'stack', {
        get() {
          throw new Error('getter');
        },
      }),
    ],
  ])('%s is logged, and harms nobody', async (_what, thrown) => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listen);
    @Injectable()
    class Hooked {
      @OnElected()
      elected(): void {
        throw thrown;
      }

      @OnDeposed()
      async deposed(): Promise<void> {
        throw thrown;
      }
    }
    const logger = new MemoryLogger();
    const app = await startApplication({
      options: { standalone: true },
      providers: [Hooked],
      logger,
    });
    await app.get(LeaderElection).withdraw();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
    expect(logger.messages('error')).toEqual([
      expect.stringContaining('Hooked.elected() failed'),
      expect.stringContaining('Hooked.deposed() failed'),
    ]);
  });
});
