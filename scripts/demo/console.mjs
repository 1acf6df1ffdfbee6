// @ts-check
import { styleText } from 'node:util';

const COLORS = /** @type {const} */ ([
  'cyan',
  'yellow',
  'green',
  'magenta',
  'blue',
  'red',
]);

/** One log of many instances: a colour for each, and the time since the start. */
export class Console {
  #startedAt = performance.now();
  #isColored = process.stdout.isTTY && process.env.NO_COLOR === undefined;

  /**
   * @param {number} instance counted from 1
   * @param {string} text
   */
  say(instance, text) {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(3);
    const line = `${seconds.padStart(8)} s  instance ${instance}  ${text}`;
    const color = COLORS[(instance - 1) % COLORS.length] ?? 'cyan';
    console.log(this.#isColored ? styleText(color, line) : line);
  }
}
