import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import guardianModule from '../../lib/guardian/guardian-path.cjs';
import { SideProcess, type SideProcessEnd } from '../../lib/side-process.js';

const { NODE_OPTIONS } = process.env;

afterEach(() => {
  jest.restoreAllMocks();
  delete (process as { pkg?: object }).pkg;
  process.env.NODE_OPTIONS = NODE_OPTIONS ?? '';
});

function start(): SideProcess {
  return new SideProcess(guardianModule.guardianPath, 'pipe');
}

describe('a process beside the application', () => {
  it('can do in TLS what the application can, and gets no other options', async () => {
    const options = [
      '--use-openssl-ca',
      '--openssl-legacy-provider',
      '--tls-cipher-list=HIGH',
      '--tls-min-v1.3',
    ];
    process.env.NODE_OPTIONS = [
      ...options,
      '--tls-keylog=/tmp/keys',
      '--inspect',
      '--import=hook',
    ].join(' ');
    const { child } = start();
    const given = child?.spawnargs.filter((each) => /tls|ssl|in|im/.test(each));
    child?.kill('SIGKILL');
    await once(child as NonNullable<typeof child>, 'exit');
    expect(given?.filter((each) => options.includes(each))).toEqual(options);
    expect(given?.join()).not.toMatch(/keylog|inspect|import/);
  });

  it.each([
    [
      'Node.js has it in itself',
      () => {
        const get = process.getBuiltinModule.bind(process);
        jest
          .spyOn(process, 'getBuiltinModule')
          .mockImplementation((name: string) =>
            name === 'node:sea' ? { isSea: () => true } : get(name),
          );
      },
    ],
    ['pkg made it', () => Object.assign(process, { pkg: {} })],
  ])(
    'is not started where the program would start the application again: %s',
    async (_, pretend) => {
      pretend();
      const side = start();
      const end = await new Promise<SideProcessEnd>((resolve) => {
        side.onEnd = resolve;
      });
      expect(side.child).toBeUndefined();
      expect(end.fatalReason).toMatch(
        /runs the application and no file beside it.* option guardian/,
      );
    },
  );
});
