export interface GuardianNotice {
  readonly level: 'log' | 'warn';
  readonly text: string;
}

/** What the log says of the guardian: once when it is missed, once when it is back. */
export class GuardianNotices {
  readonly #tell: (notice: GuardianNotice) => void;
  #isMissed = false;
  #hasNamedSasl = false;
  #hasNamedOptions = false;

  constructor(tell: (notice: GuardianNotice) => void) {
    this.#tell = tell;
  }

  /** @param description goes on where "The guardian" ends */
  missed(description: string, sessionTimeoutMs: number | undefined): void {
    if (this.#isMissed) {
      return;
    }
    this.#isMissed = true;
    const cost =
      sessionTimeoutMs === undefined
        ? 'the session timeout'
        : `the session timeout of ${sessionTimeoutMs} ms`;
    this.#tell({
      level: 'warn',
      text:
        `The guardian ${description}. Until another one works, a crash of ` +
        `this process costs ${cost}, and a longer stall its session; ` +
        'leadership is not affected otherwise.',
    });
  }

  works(): void {
    if (this.#isMissed) {
      this.#isMissed = false;
      this.#tell({ level: 'log', text: 'A guardian works again.' });
    }
  }

  /** @param reason which option it cannot use, and why */
  cannotConnect(reason: string): void {
    if (!this.#hasNamedOptions) {
      this.#hasNamedOptions = true;
      this.#tell({
        level: 'warn',
        text:
          `The guardian cannot connect to ZooKeeper with ${reason}. A crash of this ` +
          'process costs the session timeout, and a longer stall its session. Run ' +
          'the guardian with the Node.js version and options of the application.',
      });
    }
  }

  cannotCallSasl(): void {
    if (!this.#hasNamedSasl) {
      this.#hasNamedSasl = true;
      this.#tell({
        level: 'warn',
        text:
          'The option sasl is a function, which the guardian process cannot ' +
          'call. Where ZooKeeper demands the login of every connection, a crash ' +
          'of this process costs the session timeout.',
      });
    }
  }
}
