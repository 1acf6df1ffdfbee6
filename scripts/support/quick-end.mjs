// @ts-check
/**
 * Preloaded into jest and its workers. A process that has run dozens of ES module
 * suites has nothing left to do when it ends, but Node.js tidies its hundreds of
 * megabytes. That may take longer than the half second that jest grants a worker:
 * jest then kills it, and complains of a "worker process that failed to exit
 * gracefully". With one process for all suites (`-i`) it may even never end: Node.js
 * waits for a request that nobody will answer. So nothing is tidied.
 */
if (/jest-worker[\\/]build[\\/]processChild/.test(process.argv[1] ?? '')) {
  process.on('exit', (code) => {
    if (code === 0) process.kill(process.pid, 'SIGKILL');
  });
} else {
  process.once('beforeExit', () => {
    // After jest's own listener, which decides on the exit code.
    process.on('exit', () => process.exit());
  });
}
