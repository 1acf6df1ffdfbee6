import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type ExceptionFilter,
  type INestApplicationContext,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import {
  ClientProxyFactory,
  MessagePattern,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { firstValueFrom } from 'rxjs';
import { WebSocket as WebSocketClient } from 'ws';
import { LeaderElection, LeaderGuard } from '../../../lib/index.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  startApplication,
  track,
} from '../../support/nest-application.js';
import { freePort } from '../../../scripts/zookeeper/free-port.mjs';
import { waitFor } from '../../support/wait-for.js';
import { ZookeeperServer } from '../../support/zookeeper-server.js';

let server: ZookeeperServer;

beforeAll(async () => {
  server = await ZookeeperServer.start();
});
afterEach(closeApplications);
afterAll(() => server.close());

const MESSAGE =
  'Only the leader of the election "default" serves this: "first"';

async function startLeader(basePath: string): Promise<void> {
  const leader = await startApplication({
    options: optionsOf(basePath, 'first'),
  });
  await leader.get(LeaderElection).waitForLeadership({ timeoutMs: 10_000 });
}

function optionsOf(basePath: string, instanceId: string) {
  return {
    connectionString: server.connectionString,
    basePath,
    instanceId,
  };
}

async function untilFollower(app: INestApplicationContext): Promise<void> {
  await waitFor(() => app.get(LeaderElection).leadership.role === 'follower', {
    description: 'the second to follow',
  });
}

it('a message is refused with an RpcException that names the leader', async () => {
  @Controller()
  class Work {
    @MessagePattern('settle')
    @UseGuards(LeaderGuard)
    settle(): string {
      return 'settled';
    }
  }
  await startLeader('/rpc');
  const port = await freePort();
  const logger = new MemoryLogger();
  const app = track(
    await NestFactory.createMicroservice<MicroserviceOptions>(
      rootModule({
        options: optionsOf('/rpc', 'second'),
        controllers: [Work],
      }),
      {
        transport: Transport.TCP,
        options: { host: '127.0.0.1', port },
        logger,
        abortOnError: false,
      },
    ),
  );
  await app.listen();
  await untilFollower(app);
  const client = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
  });
  try {
    await expect(
      firstValueFrom(client.send('settle', {})),
    ).rejects.toMatchObject({
      message: MESSAGE,
      election: 'default',
      leader: { instanceId: 'first' },
    });
  } finally {
    await client.close();
  }
  expect(logger.messages('error')).toEqual([]);
});

it('an event of a gateway is refused with a WsException that names the leader', async () => {
  /** Nest 11 emits exceptions on the socket, and `ws` then sends nothing. */
  @Catch(WsException)
  class Sender implements ExceptionFilter {
    catch(exception: WsException, host: ArgumentsHost): void {
      const data = exception.getError();
      host
        .switchToWs()
        .getClient<WebSocketClient>()
        .send(JSON.stringify({ event: 'exception', data }));
    }
  }
  @WebSocketGateway()
  class Gateway {
    @SubscribeMessage('settle')
    @UseFilters(Sender)
    @UseGuards(LeaderGuard)
    settle(): string {
      return 'settled';
    }
  }
  await startLeader('/ws');
  const logger = new MemoryLogger();
  const app = track(
    await NestFactory.create(
      rootModule({
        options: optionsOf('/ws', 'second'),
        providers: [Gateway],
      }),
      new ExpressAdapter(),
      { logger, abortOnError: false },
    ),
  );
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, '127.0.0.1');
  await untilFollower(app);
  const url = (await app.getUrl()).replace('http', 'ws');
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = new WebSocketClient(url);
    socket.on('error', reject);
    socket.on('open', () => {
      socket.send(JSON.stringify({ event: 'settle', data: {} }));
    });
    socket.on('message', (data) => {
      resolve((data as Buffer).toString());
      socket.close();
    });
  });
  expect(JSON.parse(answer)).toMatchObject({
    event: 'exception',
    data: {
      message: MESSAGE,
      election: 'default',
      leader: { instanceId: 'first' },
    },
  });
  expect(logger.messages('error')).toEqual([]);
});

it('a resolver is refused with an error whose extensions name the leader', async () => {
  @Resolver()
  class Bills {
    @Query(() => String)
    @UseGuards(LeaderGuard)
    settle(): string {
      return 'settled';
    }
  }
  await startLeader('/graphql');
  const logger = new MemoryLogger();
  const app = track(
    await NestFactory.create(
      rootModule({
        options: optionsOf('/graphql', 'second'),
        imports: [
          GraphQLModule.forRoot<ApolloDriverConfig>({
            driver: ApolloDriver,
            autoSchemaFile: true,
          }),
        ],
        providers: [Bills],
      }),
      new ExpressAdapter(),
      { logger, abortOnError: false },
    ),
  );
  await app.listen(0, '127.0.0.1');
  await untilFollower(app);
  const response = await fetch(`${await app.getUrl()}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ settle }' }),
  });
  expect(await response.json()).toMatchObject({
    errors: [
      {
        message: MESSAGE,
        extensions: {
          code: 'SERVICE_UNAVAILABLE',
          election: 'default',
          leader: { instanceId: 'first' },
        },
      },
    ],
  });
  expect(logger.messages('error')).toEqual([]);
});
