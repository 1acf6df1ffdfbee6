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
export class MergedLog {
  #startedAtNs = process.hrtime.bigint();
  #isColored = process.stdout.isTTY && !process.env.NO_COLOR;

  /**
   * @param {number} instance counted from 1
   * @param {string} text
   * @param {{ atNs?: bigint; isLoud?: boolean }} [options] when it happened, by
   *   the monotonic clock, if not now; whether it is what people wait for
   */
  say(instance, text, { atNs = process.hrtime.bigint(), isLoud } = {}) {
    const seconds = (Number(atNs - this.#startedAtNs) / 1e9).toFixed(3);
    const line = `${seconds.padStart(8)} s  instance ${instance}  ${text}`;
    const color = COLORS[(instance - 1) % COLORS.length] ?? 'cyan';
    const style = isLoud ? /** @type {const} */ (['bold', color]) : [color];
    console.log(this.#isColored ? styleText([...style], line) : line);
  }
}
