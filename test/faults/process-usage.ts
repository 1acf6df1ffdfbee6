import { readdirSync, readFileSync } from 'node:fs';
import type { UsageSample } from './history.js';

/** What the system says of a process; nothing where it has ended, or has no /proc. */
export function processUsage(pid: number): UsageSample['values'] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
    return {
      ...(kilobytes !== undefined && {
        'resident memory': Number(kilobytes) * 1024,
      }),
      'file descriptors': readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return {};
  }
}
