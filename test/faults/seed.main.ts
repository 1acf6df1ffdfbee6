/** One of several runs: its options come from the process that started it. */
import { printResult } from './print.js';
import { runOnce, type SingleRunOptions } from './single.js';

process.once('disconnect', () => process.exit(1));
process.once('message', (options: SingleRunOptions) => {
  void (async () => {
    const result = await runOnce(options);
    printResult(result);
    process.send?.(result, () => process.exit());
  })();
});
