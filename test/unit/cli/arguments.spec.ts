import { expect, it } from '@jest/globals';
import { runCli } from '../../../lib/cli/cli.js';

it.each([
  {
    args: ['run', '--on-leader', 'One.task', 'another'],
    problem: /takes one task, not "another"/,
  },
  {
    args: ['run', 'node', 'main.js', '--force'],
    problem: /--force belongs to --on-leader; write -- before a command/,
  },
])('$args is refused', async ({ args, problem }) => {
  const written: string[] = [];
  const output = {
    out: (text: string) => void written.push(text),
    error: (text: string) => void written.push(text),
  };
  const nowhere = ['--connect=127.0.0.1:1', '--timeout=0.1'];
  const { signal } = new AbortController();
  expect(await runCli([...nowhere, ...args], output, signal)).toBe(2);
  expect(written.join('\n')).toMatch(problem);
});
