import { Controller, Get } from '@nestjs/common';
import { Shards } from './shards.js';

/** Shows who works on what, whichever instance is asked. */
@Controller('shards')
export class ShardsController {
  constructor(private readonly shards: Shards) {}

  @Get()
  async list(): Promise<Record<string, string[]>> {
    const lines = await Promise.all(
      this.shards.elections.map(async (election) => {
        const queue = await election.participants();
        return [
          election.name,
          queue.map(({ instanceId }) => instanceId),
        ] as const;
      }),
    );
    return Object.fromEntries(lines);
  }
}
