import { expect } from '@jest/globals';
import { waitFor } from '../support/wait-for.js';
import type { RunningApplication } from './consumer-application.js';

/** Waits for what an application writes; fails at once if it ends instead. */
export async function untilItSays(
  application: RunningApplication,
  text: string | RegExp,
  timeoutMs = 20_000,
): Promise<void> {
  await Promise.race([
    waitFor(() => application.output.search(text) >= 0, {
      description: `the application to say "${text}"`,
      timeoutMs,
    }),
    application.exitCode.then((code) => {
      throw new Error(`Exited with ${code}: ${application.output}`);
    }),
  ]);
}

/** The application elects itself, runs its task and leaves nothing behind. */
export async function expectLeaderTaskAndCleanExit(
  application: RunningApplication,
  build: string,
): Promise<void> {
  await untilItSays(application, 'task ran, leading: true');
  expect(application.output).toMatch(`/nestjs-zookeeper-leader/${build}/index`);
  await expectGuardian(application);
  await expectCleanExit(application);
}

/** There are two processes: the application and its guardian. */
export async function expectGuardian(
  application: RunningApplication,
): Promise<void> {
  expect(await application.processes()).toHaveLength(2);
}

/** It ends by itself when it is closed, without an error, and so does its guardian. */
export async function expectCleanExit(
  application: RunningApplication,
): Promise<void> {
  application.requestClose();
  const exitCode = await application.exitCode;
  expect({ exitCode, output: application.output }).toEqual({
    exitCode: 0,
    output: expect.not.stringMatching(/error/i),
  });
  await waitFor(async () => (await application.processes()).length === 0, {
    description: 'the processes of the application to end',
  });
}
