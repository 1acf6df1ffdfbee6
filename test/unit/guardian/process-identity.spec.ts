import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import guardianModule from '../../../lib/guardian/guardian-path.cjs';
import {
  lookerAt,
  lookerAtParent,
  ownIdentity,
  type ProcessIdentity,
} from '../../../lib/guardian/process-identity.js';
import { processEntry } from '../../support/process-table.js';
import { waitFor } from '../../support/wait-for.js';

const isLinux = process.platform === 'linux';

(isLinux ? describe : describe.skip)('a look at a process', () => {
  let child: ChildProcess;
  let other: ProcessIdentity;

  beforeEach(async () => {
    const script = `
      const { readFileSync } = process.getBuiltinModule('node:fs');
      const stat = readFileSync('/proc/self/stat', 'utf8');
      console.log(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
      setInterval(Object, 60_000)`;
    child = spawn(process.execPath, ['-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(
      child.stdout as NonNullable<ChildProcess['stdout']>,
      'data',
    )) as [Buffer];
    other = {
      ...ownIdentity(),
      pid: child.pid as number,
      startTime: String(line).trim(),
    };
  });

  afterEach(() => {
    child.kill('SIGKILL');
  });

  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await waitFor(() => processEntry(other.pid) === undefined);
  };

  it('sees it alive, and gone when it has been killed', async () => {
    const look = lookerAt(other);
    expect(look()).toBe('alive');
    await kill();
    expect(look()).toBe('gone');
  });

  it('takes no other process for it that has its number: the time of the start counts', () => {
    expect(lookerAt(ownIdentity())()).toBe('alive');
    const former = { ...other, startTime: '1' };
    expect(lookerAtParent(former)()).toBe('gone');
    // Never seen alive: its absence proves nothing.
    expect(lookerAt(former)()).toBe('unknown');
  });

  it('knows nothing about a process of another namespace, whatever has its number here', async () => {
    const look = lookerAt({ ...other, namespace: 'pid:[1]' });
    expect(look()).toBe('unknown');
    await kill();
    expect(look()).toBe('unknown');
  });

  it('goes by the parent that has said who it is: one that died before this process started is gone', async () => {
    expect(lookerAtParent({ ...other, pid: process.ppid })()).toBe('alive');
    // This process is no child of it, as after the death of a parent.
    const look = lookerAtParent(other);
    expect(look()).toBe('alive');
    await kill();
    expect(look()).toBe('gone');
    expect(lookerAtParent({ ...other, startTime: undefined })()).toBe('gone');
  });

  it('is not needed to say who this process is', () => {
    const file = path.join(
      path.dirname(guardianModule.guardianPath),
      'process-identity.js',
    );
    const script = `
      const { ownIdentity } = require(${JSON.stringify(file)});
      const { openSync } = require('node:fs');
      try {
        for (;;) openSync('/dev/null');
      } catch {}
      process.stdout.write(String(ownIdentity().pid === process.pid));`;
    const command = 'ulimit -n 64; exec "$0" -e "$1"';
    const args = ['-c', command, process.execPath, script];
    expect(execFileSync('/bin/sh', args, { encoding: 'utf8' })).toBe('true');
  });
});
