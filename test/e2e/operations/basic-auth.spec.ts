import { afterEach, beforeAll, expect, it } from '@jest/globals';
import type { CanActivate, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { transform } from '@swc/core';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ZookeeperLeaderDashboardModule } from '../../../lib/dashboard/index.js';
import { extractCode } from '../../../scripts/support/extract-code.mjs';
import { MemoryLogger } from '../../support/memory-logger.js';
import {
  closeApplications,
  rootModule,
  track,
} from '../../support/nest-application.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

let guard: Type<CanActivate>;

beforeAll(async () => {
  process.env.DASHBOARD_LOGIN = 'ops:secret';
  const page = await readFile(path.join(ROOT, 'docs/operations.md'), 'utf8');
  const block = extractCode(page).find((code) =>
    code.includes('class BasicAuthGuard'),
  );
  const { code } = await transform(block ?? '', {
    swcrc: false,
    module: { type: 'es6' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  });
  const folder = path.join(ROOT, 'node_modules/.cache/basic-auth');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `guard-${process.pid}.mjs`);
  await writeFile(file, code);
  const loaded = (await import(file)) as { BasicAuthGuard: Type<CanActivate> };
  guard = loaded.BasicAuthGuard;
});
afterEach(closeApplications);

it.each(['express', 'fastify'])(
  'the guard of docs/operations.md asks for the password, with %s',
  async (adapter) => {
    const app = track(
      await NestFactory.create(
        rootModule({
          options: { standalone: true },
          imports: [ZookeeperLeaderDashboardModule.forRoot({ guard })],
        }),
        adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(),
        { logger: new MemoryLogger(), abortOnError: false },
      ),
    );
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/leadership`;
    const ask = (route: string, login?: string): Promise<Response> =>
      fetch(url + route, {
        headers: login ? { authorization: `Basic ${btoa(login)}` } : {},
      });
    for (const route of ['', '/api/state', '/api/events']) {
      for (const login of [undefined, 'ops:wrong', 'ops:secret2', 'x']) {
        const refused = await ask(route, login);
        expect(refused.status).toBe(401);
        expect(refused.headers.get('www-authenticate')).toBe(
          'Basic realm="leadership"',
        );
      }
      const allowed = await ask(route, 'ops:secret');
      expect(allowed.status).toBe(200);
      await allowed.body?.cancel();
    }
  },
);
