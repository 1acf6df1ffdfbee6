// @ts-check
/** An etcd server for the peer of that name, on a free port. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../scripts/zookeeper/free-port.mjs';

/** @returns {Promise<{ connectionString: string, close: () => Promise<void> }>} */
export async function startEtcd() {
  const [client, peer] = [await freePort(), await freePort()].map(
    (port) => `http://127.0.0.1:${port}`,
  );
  const directory = mkdtempSync(join(tmpdir(), 'bench-etcd-'));
  const child = spawn(
    'etcd',
    [
      ['--data-dir', directory],
      ['--listen-client-urls', client],
      ['--advertise-client-urls', client],
      ['--listen-peer-urls', peer],
      ['--initial-advertise-peer-urls', peer],
      ['--initial-cluster', `default=${peer}`],
    ].flatMap((each) => each.map(String)),
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => child.once('close', resolve));
  const close = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  const deadline = performance.now() + 30_000;
  while (!(await isHealthy(`${client}/health`))) {
    if (performance.now() > deadline) {
      await close();
      throw new Error('etcd did not start within 30 s.');
    }
    await sleep(50);
  }
  return { connectionString: String(client).slice('http://'.length), close };
}

/** @param {string} url */
async function isHealthy(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
