// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { inProject } from '../support/project.mjs';
import { descendants, isRunning } from '../support/process-table.mjs';

/** @typedef {import('../support/process-table.mjs').ProcessEntry} ProcessEntry */

/** A guardian ends by itself, once it has closed the session. */
const GUARDIAN_TIMEOUT_MS = 3_000;

/** One process of the sample application, with its guardian. */
export class DemoInstance {
  #child;
  /** @type {Map<number, ProcessEntry>} */
  #guardians = new Map();

  /**
   * @param {number} number counted from 1
   * @param {string} main the sample's main file
   * @param {Record<string, string>} env
   * @param {(line: string) => void} onLine of its output
   */
  constructor(number, main, env, onLine) {
    this.number = number;
    // In a process group of its own: Ctrl-C reaches the demo alone. It ends
    // with the demo, however that ends.
    this.#child = spawn(
      process.execPath,
      [inProject('scripts/support/run-with-parent.mjs'), main],
      {
        env: { ...process.env, ...env },
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) {
        createInterface({ input: stream }).on('line', onLine);
      }
    }
    /** Resolves when the process has ended and all its output has come. */
    this.ended = once(this.#child, 'close');
  }

  /** Remembers its guardian, which is hard to find when the instance has gone. */
  noteGuardian() {
    for (const guardian of descendants(this.#child.pid ?? NaN)) {
      this.#guardians.set(guardian.pid, guardian);
    }
  }

  kill() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.noteGuardian();
      this.#child.kill('SIGKILL');
    }
  }

  /** Ends the process, if it runs, and waits for its guardian to end. */
  async close() {
    this.kill();
    await this.ended;
    const deadline = performance.now() + GUARDIAN_TIMEOUT_MS;
    for (const guardian of this.#guardians.values()) {
      while (isRunning(guardian) && performance.now() < deadline) {
        await delay(10);
      }
      if (isRunning(guardian)) {
        process.kill(guardian.pid, 'SIGKILL');
      }
    }
  }
}
