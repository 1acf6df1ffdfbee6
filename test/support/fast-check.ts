import { configureGlobal } from 'fast-check';

// A failure is shrunk for so long at most: the smallest one may take for ever, and
// nothing ends a test that never waits.
configureGlobal({
  interruptAfterTimeLimit: 300_000,
  markInterruptAsFailure: true,
});

export * from 'fast-check';
