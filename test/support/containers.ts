import { spawnSync } from 'node:child_process';

/** Whether this user may make process namespaces; says so where not. */
export function canMakeContainers(): boolean {
  const { status } = spawnSync('unshare', [
    ...['--pid', '--fork', '--mount-proc'],
    'true',
  ]);
  if (status !== 0) {
    console.warn('Skipped: unshare(1) may not make process namespaces here.');
  }
  return status === 0;
}
