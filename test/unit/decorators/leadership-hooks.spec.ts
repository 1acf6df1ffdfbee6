import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { LeaderElection, OnDeposed, OnElected } from '../../../lib/index.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  startApplication,
} from '../../support/nest-application.js';
import { ODD_ERRORS } from '../../support/odd-errors.js';

afterEach(closeApplications);

it('a hook with a symbol for a name is called', async () => {
  const elected = Symbol('elected');
  const calls: string[] = [];
  class Base {
    @OnElected()
    [elected](): void {
      calls.push('base');
    }
  }
  @Injectable()
  class Hooked extends Base {
    @OnElected()
    override [elected](): void {
      calls.push('derived');
    }
  }
  await startApplication({
    options: { standalone: true },
    providers: [Hooked],
  });
  expect(calls).toEqual(['derived']);
});

// An unhandled rejection fails a test of Jest by itself.
describe('a hook that throws', () => {
  it.each(ODD_ERRORS)(
    '%s is logged, and harms nobody',
    async (_what, thrown) => {
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
      expect(logger.messages('error')).toEqual([
        expect.stringContaining('Hooked.elected() failed'),
        expect.stringContaining('Hooked.deposed() failed'),
      ]);
    },
  );
});
