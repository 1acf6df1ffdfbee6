import { describe, expect, it } from '@jest/globals';
import { RequestTable } from '../../lib/zookeeper/request-table.js';

describe('RequestTable.whenQuiet', () => {
  it('has nothing to wait for when nothing is awaited', () => {
    expect(new RequestTable(false).whenQuiet()).toBeUndefined();
  });

  it('resolves when the last request has been answered, and not before', async () => {
    const table = new RequestTable(false);
    const answers = [1, 2].map(() => table.add('get', '/', '', 0));
    let isQuiet = false;
    const quiet = table.whenQuiet()?.then(() => {
      isQuiet = true;
    });
    table.settle([1, 0, '']);
    await answers[0];
    expect(isQuiet).toBe(false);
    table.settle([2, 0, '']);
    await quiet;
    expect(isQuiet).toBe(true);
    expect(table.whenQuiet()).toBeUndefined();
    await answers[1];
  });

  it('resolves when all requests are given up', async () => {
    const table = new RequestTable(false);
    const answer = table.add('get', '/', '', 0);
    const quiet = table.whenQuiet();
    table.rejectAll('CONNECTION_LOSS', 'the connection was lost');
    await expect(answer).rejects.toMatchObject({ code: 'CONNECTION_LOSS' });
    await quiet;
  });

  it('resolves after a moment, also when there is always something awaited', async () => {
    const table = new RequestTable(false);
    void table.add('get', '/', '', 0);
    await table.whenQuiet();
    expect(table.whenQuiet()).toBeInstanceOf(Promise);
  });
});
