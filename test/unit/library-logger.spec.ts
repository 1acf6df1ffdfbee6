import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { LibraryLogger } from '../../lib/library-logger.js';
import { MemoryLogger } from '../support/memory-logger.js';

afterEach(() => {
  Logger.overrideLogger(false);
  jest.restoreAllMocks();
});

describe('the library logs', () => {
  it('to the logger of the application, with its own context', () => {
    const memory = new MemoryLogger();
    Logger.overrideLogger(memory);
    const logger = new LibraryLogger();
    logger.log('a');
    logger.warn('b');
    logger.error('c', 'a stack');
    expect(
      memory.entries.map(({ level, message }) => [level, message]),
    ).toEqual([
      ['log', 'a'],
      ['warn', 'b'],
      ['error', 'c'],
    ]);
    expect(memory.entries[0]?.context).toBe('ZookeeperLeader');
  });

  it('without an end of its own where that throws, and says so once', () => {
    const fail = (): never => {
      throw new Error('no space left on device');
    };
    Logger.overrideLogger({ log: fail, warn: fail, error: fail });
    const warned = jest
      .spyOn(process, 'emitWarning')
      .mockImplementation(() => undefined);
    const logger = new LibraryLogger();
    logger.log('a');
    logger.warn('b');
    logger.error('c');
    expect(warned.mock.calls.map(([text]) => text)).toEqual([
      expect.stringContaining('logger has thrown: no space left on device'),
    ]);
  });
});
