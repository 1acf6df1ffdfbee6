#!/usr/bin/env node
import { runCli } from './cli.js';

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupt.abort());
}
// As in `watch | head -1`: nobody reads any more.
process.stdout.on('error', () => interrupt.abort());
// `run` and `guardian` go on: the sessions of applications matter more than a log.
process.stderr.on('error', () => undefined);

const output = {
  out: (text: string) => void process.stdout.write(`${text}\n`),
  error: (text: string) => void process.stderr.write(`${text}\n`),
};
void runCli(process.argv.slice(2), output, interrupt.signal).then((code) => {
  process.exitCode = code;
});
