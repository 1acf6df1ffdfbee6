export {
  descendants,
  isRunning,
  processEntry,
} from '../../scripts/support/process-table.mjs';
export type { ProcessEntry } from '../../scripts/support/process-table.mjs';
