import { Injectable, Logger } from '@nestjs/common';

/** Tells people. */
@Injectable()
export class Messenger {
  private readonly logger = new Logger(Messenger.name);

  async tell(text: string): Promise<void> {
    this.logger.log(text);
  }
}
