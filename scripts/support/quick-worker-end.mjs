// @ts-check
/**
 * Preloaded into jest and its workers. A worker that has run dozens of ES module
 * suites has nothing left to do when it ends, but Node.js may take longer to dispose
 * of its hundreds of megabytes than the half second that jest grants. Jest then kills
 * it, and complains of a "worker process that failed to exit gracefully". So a worker
 * kills itself instead of tidying its memory.
 */
if (/jest-worker[\\/]build[\\/]processChild/.test(process.argv[1] ?? '')) {
  process.on('exit', (code) => {
    if (code === 0) process.kill(process.pid, 'SIGKILL');
  });
}
