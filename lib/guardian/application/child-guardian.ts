import { PassThrough, type Duplex } from 'node:stream';
import { SideProcess } from '../../side-process.js';
import guardianModule from '../guardian-path.cjs';
import type { GuardianLink, LinkEnd } from './guardian-link.js';

/**
 * A guardian process of the application's own. It keeps nothing of the
 * application alive.
 */
export class ChildGuardian implements GuardianLink {
  readonly stream: Duplex;
  onEnd: (end: LinkEnd) => void = () => undefined;
  readonly #process = new SideProcess(guardianModule.guardianPath, 'pipe');

  constructor() {
    const { child } = this.#process;
    // There is no stream to a process that could not even be tried.
    const streams = child?.stdio as (Duplex | null | undefined)[] | undefined;
    this.stream = streams?.[3] ?? new PassThrough();
    this.stream.on('error', () => undefined);
    this.#process.onEnd = (end) => {
      if (end.fatalReason !== undefined) {
        this.stream.destroy();
      }
      this.onEnd(end);
    };
    child?.unref();
    for (const stream of [child?.stderr, this.stream]) {
      (stream as (Duplex & { unref?(): void }) | undefined)?.unref?.();
    }
  }

  destroy(): void {
    this.stream.destroy();
    this.#process.kill();
  }

  isRunning(): boolean {
    return this.#process.isRunning();
  }
}
