import { Controller, Get } from '@nestjs/common';
import { Partitions } from 'nestjs-zookeeper-leader';
import { PARTITIONS } from './mailboxes.service.js';

/** Tells who owns which partition, whichever instance is asked. */
@Controller('mailboxes')
export class MailboxesController {
  constructor(private readonly partitions: Partitions) {}

  @Get()
  async owners(): Promise<(string | undefined)[]> {
    const owners = await this.partitions.of('mailboxes', PARTITIONS).owners();
    return owners.map((owner) => owner?.instanceId);
  }
}
