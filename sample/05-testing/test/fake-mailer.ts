import type { Mailer } from '../src/mailer.js';

/** Remembers instead of sending. */
export class FakeMailer implements Mailer {
  readonly sent: string[] = [];
  /** Called with each letter. */
  onSend: () => void = () => undefined;

  async send(to: string): Promise<void> {
    this.sent.push(to);
    this.onSend();
  }
}
