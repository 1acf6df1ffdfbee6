import { Controller, Post, UseGuards } from '@nestjs/common';
import { LeaderGuard } from 'nestjs-zookeeper-leader';
import { InvoicesService } from './invoices.service.js';

/** Sends them now; only the leader does. */
@Controller('invoices')
export class InvoicesController {
  constructor(private readonly invoices: InvoicesService) {}

  @Post()
  @UseGuards(LeaderGuard)
  async send(): Promise<{ sent: number | undefined }> {
    return { sent: await this.invoices.send() };
  }
}
