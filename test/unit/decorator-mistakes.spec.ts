import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import {
  InjectLeaderElection,
  LeaderGuard,
  OnDeposed,
  OnElected,
  OnlyLeader,
} from '../../lib/index.js';
import { closeApplications } from '../support/nest-application.js';

afterEach(closeApplications);

const DECORATORS = { OnlyLeader, OnElected, OnDeposed, InjectLeaderElection };

/** Runs a class that is compiled as in an application with these settings. */
function define(source: string, experimentalDecorators: boolean): unknown {
  const { outputText } = transpileModule(source, {
    compilerOptions: {
      experimentalDecorators,
      target: ScriptTarget.ES2022,
      module: ModuleKind.CommonJS,
    },
  });
  const names = Object.keys(DECORATORS);
  // oxlint-disable-next-line no-implied-eval, typescript/no-implied-eval
  const run = new Function(...names, 'exports', outputText) as (
    ...args: unknown[]
  ) => unknown;
  return run(...Object.values(DECORATORS), {});
}

describe('without experimentalDecorators, an error names the setting', () => {
  it.each([
    ['@OnlyLeader()', 'class Jobs { @OnlyLeader() work() {} }'],
    ['@OnElected()', 'class Jobs { @OnElected() work() {} }'],
    ['@OnDeposed()', 'class Jobs { @OnDeposed() work() {} }'],
    [
      '@InjectLeaderElection()',
      "class Jobs { @InjectLeaderElection('a') election; }",
    ],
  ])('%s', (decorator, source) => {
    expect(() => define(source, false)).toThrow(
      `${decorator} is compiled as an ECMAScript decorator`,
    );
    expect(() => define(source, false)).toThrow(/Set experimentalDecorators/);
    expect(() => define(source, true)).not.toThrow();
  });
});

describe('without parentheses, an error shows how to write it', () => {
  it.each([
    ['@OnlyLeader()', 'class Jobs { @OnlyLeader work() {} }'],
    ['@OnElected()', 'class Jobs { @OnElected work() {} }'],
    ['@OnDeposed()', 'class Jobs { @OnDeposed work() {} }'],
    [
      '@InjectLeaderElection()',
      'class Jobs { @InjectLeaderElection election; }',
    ],
  ])('%s', (decorator, source) => {
    expect(() => define(source, true)).toThrow(
      `Write ${decorator}, with the parentheses.`,
    );
  });
});

describe('@OnlyLeader() on a class', () => {
  it.each(['@OnlyLeader()', '@OnlyLeader'])('as %s is refused', (decorator) => {
    expect(() => define(`${decorator} class Jobs {}`, true)).toThrow(
      '@OnlyLeader() stands on Jobs, which is not an instance method. Put it on a method',
    );
  });
});

describe('on an object that the module does not know', () => {
  class Jobs {
    @OnlyLeader()
    async slow(): Promise<string> {
      return 'done';
    }

    @OnlyLeader()
    compiled(): Promise<string> {
      return Promise.resolve('done');
    }

    @OnlyLeader()
    quick(): string {
      return 'done';
    }
  }
  // What TypeScript says of every method, with emitDecoratorMetadata.
  class CompiledToOldJavaScript {
    work(): Promise<string> {
      return Promise.resolve('done');
    }
  }
  const { prototype } = CompiledToOldJavaScript;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'work');
  Reflect.defineMetadata('design:returntype', Promise, prototype, 'work');
  OnlyLeader()(prototype, 'work', descriptor as PropertyDescriptor);
  Object.defineProperty(prototype, 'work', descriptor as PropertyDescriptor);

  it('an async method rejects', async () => {
    const call = new Jobs().slow();
    await expect(call).rejects.toThrow(/Jobs\.slow\(\).*does not know/);
  });

  it('so does one that returns a promise', async () => {
    const calls = [new Jobs().compiled(), new CompiledToOldJavaScript().work()];
    for (const call of calls) {
      await expect(call).rejects.toThrow(/does not know/);
    }
  });

  it('another method throws', () => {
    expect(() => new Jobs().quick()).toThrow(/Jobs\.quick\(\).*does not know/);
  });
});

describe('LeaderGuard in a testing module without elections', () => {
  @Controller()
  class Reports {
    @Get()
    @UseGuards(LeaderGuard)
    list(): string[] {
      return [];
    }
  }
  @Controller()
  class Bills {
    @Get()
    @UseGuards(LeaderGuard.for('billing'))
    list(): string[] {
      return [];
    }
  }

  it.each([[Reports], [Bills]])('names the testing module', async (type) => {
    @Injectable()
    class Other {}
    const compiled = Test.createTestingModule({
      controllers: [type],
      providers: [Other],
    }).compile();
    await expect(compiled).rejects.toThrow(
      /LeaderGuard does not find ZookeeperLeaderModule.*ZookeeperLeaderTestingModule\.forRoot\(\).*or override the guard/,
    );
  });
});
