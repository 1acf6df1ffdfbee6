/** No message is longer, with all authorities and lists of revoked certificates. */
const LONGEST_LINE_CHARACTERS = 8 * 1024 * 1024;

/** Cuts what comes in into lines. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** @throws {RangeError} if a line is too long to be one of ours */
  push(text: string): void {
    let start = 0;
    for (
      let end = text.indexOf('\n');
      end >= 0;
      end = text.indexOf('\n', start)
    ) {
      const line = this.#rest + text.slice(start, end);
      this.#rest = '';
      start = end + 1;
      this.#onLine(line);
    }
    this.#rest += text.slice(start);
    if (this.#rest.length > LONGEST_LINE_CHARACTERS) {
      throw new RangeError(
        `a line of more than ${LONGEST_LINE_CHARACTERS} characters`,
      );
    }
  }
}
