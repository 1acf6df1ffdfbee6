import { describe, expect, it } from '@jest/globals';
import { HostTree, type Tree } from '@angular-devkit/schematics';
import {
  SchematicTestRunner,
  type UnitTestTree,
} from '@angular-devkit/schematics/testing';
import { fileURLToPath } from 'node:url';

const collection = fileURLToPath(
  new URL('../../schematics/collection.json', import.meta.url),
);

const MODULE = `import { Module } from '@nestjs/common';
import { AppController } from './app.controller';

@Module({
  imports: [],
  controllers: [AppController],
})
export class AppModule {}
`;

const MAIN = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { cors: true });
  await app.listen(process.env.PORT ?? 3000);
}
bootstrap();
`;

/** An application as `nest new` makes it, or another one. */
function application(files: Record<string, string> = {}): Tree {
  const tree = new HostTree();
  const all = {
    'package.json': manifest('^11.0.1'),
    'src/app.module.ts': MODULE,
    'src/main.ts': MAIN,
    ...files,
  };
  for (const [file, text] of Object.entries(all)) {
    tree.create(file, text);
  }
  return tree;
}

function manifest(nest: string): string {
  return JSON.stringify(
    { name: 'billing-api', dependencies: { '@nestjs/core': nest } },
    null,
    2,
  );
}

async function add(
  tree: Tree,
  sourceRoot?: string,
): Promise<{ tree: UnitTestTree; tasks: unknown[]; said: string }> {
  const runner = new SchematicTestRunner('library', collection);
  let said = '';
  runner.logger.subscribe(({ message }) => (said += `${message}\n`));
  const options = sourceRoot === undefined ? {} : { sourceRoot };
  const changed = await runner.runSchematic('nest-add', options, tree);
  return { tree: changed, tasks: runner.tasks, said };
}

describe('"nest add"', () => {
  it('imports both modules, hands over at shutdown and installs the scheduler', async () => {
    const { tree, tasks, said } = await add(application());
    expect(tree.readText('src/app.module.ts'))
      .toBe(`import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ZookeeperLeaderModule } from 'nestjs-zookeeper-leader';
import { AppController } from './app.controller';

@Module({
  imports: [ZookeeperLeaderModule.forRoot({ basePath: '/billing-api' }), ScheduleModule.forRoot()],
  controllers: [AppController],
})
export class AppModule {}
`);
    expect(tree.readText('src/main.ts')).toBe(
      MAIN.replace(
        'cors: true });\n',
        'cors: true });\n  app.enableShutdownHooks();\n',
      ),
    );
    expect(tree.readJson('package.json')).toMatchObject({
      dependencies: { '@nestjs/schedule': '^6.0.0' },
    });
    expect(tasks).toMatchObject([
      { name: 'node-package', options: { packageManager: 'npm' } },
    ]);
    expect(said).not.toMatch('Left to you');
  });

  it('changes nothing the second time', async () => {
    const first = await add(application());
    const texts = (tree: UnitTestTree): string[] =>
      tree.files.map((file) => tree.readText(file));
    const before = texts(first.tree);
    const second = await add(first.tree);
    expect(texts(second.tree)).toEqual(before);
    expect(second.tasks).toEqual([]);
    expect(second.said).not.toMatch('Left to you');
  });

  it('takes the scheduler of the newest Nest, and the package manager that is used', async () => {
    const { tree, tasks } = await add(
      application({ 'package.json': manifest('^12.0.1'), 'yarn.lock': '' }),
    );
    expect(tree.readJson('package.json')).toMatchObject({
      dependencies: { '@nestjs/schedule': '^12.0.0' },
    });
    expect(tasks).toMatchObject([{ options: { packageManager: 'yarn' } }]);
  });

  it('imports no scheduler where another module does, since each registers all jobs', async () => {
    const { tree } = await add(
      application({
        'src/tasks.module.ts': 'imports: [ScheduleModule.forRoot()]',
      }),
    );
    const text = tree.readText('src/app.module.ts');
    expect(text).toContain('ZookeeperLeaderModule.forRoot(');
    expect(text).not.toContain('ScheduleModule.forRoot()');
  });

  it('finds the application of a monorepo', async () => {
    const { tree, said } = await add(
      application({
        'apps/billing/src/app.module.ts': MODULE,
        'apps/billing/src/main.ts': MAIN,
      }),
      'apps/billing/src',
    );
    expect(tree.readText('src/app.module.ts')).toBe(MODULE);
    expect(tree.readText('apps/billing/src/app.module.ts')).toContain(
      "ZookeeperLeaderModule.forRoot({ basePath: '/billing' })",
    );
    expect(said).not.toMatch('Left to you');
  });

  it.each([
    ['@acme/billing', '/acme/billing'],
    ['zookeeper', '/app/zookeeper'],
    ['..', '/my-app'],
    [undefined, '/my-app'],
  ])('gives the package %s the base path %s', async (name, basePath) => {
    const { tree, said } = await add(
      application({
        'package.json': JSON.stringify({
          name,
          dependencies: { '@nestjs/core': '^12.0.0' },
        }),
      }),
    );
    expect(tree.readText('src/app.module.ts')).toContain(
      `ZookeeperLeaderModule.forRoot({ basePath: '${basePath}' })`,
    );
    expect(said).toMatch(
      /ZOOKEEPER_CONNECTION_STRING, else at 127\.0\.0\.1:2181/,
    );
  });

  it('keeps the line ends and the quotes that it finds', async () => {
    const windows = (text: string): string =>
      text.replaceAll('\n', '\r\n').replaceAll("'", '"');
    const { tree } = await add(
      application({
        'src/app.module.ts': windows(MODULE),
        'src/main.ts': windows(MAIN),
      }),
    );
    const text = tree.readText('src/app.module.ts');
    expect(text).toContain(
      'import { ScheduleModule } from "@nestjs/schedule";\r\n',
    );
    expect(text).toContain('forRoot({ basePath: "/billing-api" })');
    expect(tree.readText('src/main.ts')).toContain(
      '\r\n  app.enableShutdownHooks();\r\n',
    );
  });

  it.each([
    ['has no root module', { 'src/app.module.ts': 'export {};\n' }],
    [
      'computes its imports',
      {
        'src/app.module.ts': MODULE.replace('imports: []', 'imports: all()'),
      },
    ],
  ])('says what is left to do where an application %s', async (_, files) => {
    const { tree, said } = await add(application(files));
    expect(tree.readText('src/app.module.ts')).toBe(files['src/app.module.ts']);
    expect(said).toMatch(
      "Left to you: import ZookeeperLeaderModule.forRoot({ basePath: '/billing-api' }) in the root module",
    );
    expect(said).toMatch('Left to you: import ScheduleModule.forRoot()');
  });

  it('says what is left to do where an application is created in another way', async () => {
    const main = 'export const app = createApp();\n';
    const { tree, said } = await add(application({ 'src/main.ts': main }));
    expect(tree.readText('src/main.ts')).toBe(main);
    expect(said).toMatch('Left to you: call app.enableShutdownHooks()');
  });
});
