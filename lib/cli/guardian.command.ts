import { chmodSync, lstatSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, resolve } from 'node:path';
import { GuardianHost } from '../guardian/host/guardian-host.js';
import { messageOf } from '../message-of.js';
import type { CliOutput } from './cli-session.js';
import { CliError, EXIT } from './exit-codes.js';

const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;

/**
 * Guards the sessions of the applications that connect to a socket, as a sidecar
 * container does, until it is told to end and the last of them is gone.
 *
 * @throws {CliError} (rejects) `usage` if it cannot listen there
 */
export async function guardian(
  path: string,
  output: CliOutput,
): Promise<never> {
  const address = resolve(path);
  await checkPlace(address, output);
  const host = new GuardianHost({ onNotice: (text) => output.out(text) });
  // The socket is nobody else's from its first moment on.
  const mask = process.umask(0o177);
  try {
    await host.listen(address);
    chmodSync(address, 0o600);
  } catch (error) {
    throw new CliError(
      EXIT.usage,
      `guardian: cannot listen at ${address}: ${messageOf(error)}. Give a path ` +
        'in a folder that this user may write to.',
    );
  } finally {
    process.umask(mask);
  }
  output.out(`The guardian listens at ${address}.`);
  await whenToEnd(host, output);
  // The socket stays: a connection that is refused says that nobody is there.
  process.exit(EXIT.done);
}

/**
 * Resolves at the second signal, or at the first one as soon as no application
 * is left: as long as one runs, it is guarded.
 */
function whenToEnd(host: GuardianHost, output: CliOutput): Promise<void> {
  return new Promise((end) => {
    let isAsked = false;
    const ask = (): void => {
      if (isAsked) {
        end();
        return;
      }
      isAsked = true;
      const count = host.applications.length;
      if (count > 0) {
        output.out(`Ends when the last of ${count} applications has ended.`);
      }
      void host.whenIdle().then(end);
    };
    process.on('SIGTERM', ask).on('SIGINT', ask);
  });
}

/** A socket that nobody listens at any more is removed. */
async function checkPlace(address: string, output: CliOutput): Promise<void> {
  const folder = statSync(dirname(address), { throwIfNoEntry: false });
  if (!folder?.isDirectory()) {
    throw new CliError(
      EXIT.usage,
      `guardian: there is no folder ${dirname(address)}. Mount or create it.`,
    );
  }
  if ((folder.mode & (WRITABLE_BY_OTHERS | STICKY)) === WRITABLE_BY_OTHERS) {
    output.error(
      `Other users may replace the socket in ${dirname(address)}. Applications ` +
        'use it only while it belongs to their own user.',
    );
  }
  const existing = lstatSync(address, { throwIfNoEntry: false });
  if (!existing) {
    return;
  }
  if (!existing.isSocket()) {
    throw new CliError(
      EXIT.usage,
      `guardian: ${address} exists and is not a socket.`,
    );
  }
  if (await isListening(address)) {
    throw new CliError(
      EXIT.usage,
      `guardian: another guardian listens at ${address}.`,
    );
  }
  rmSync(address);
}

function isListening(address: string): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(address);
    socket
      .on('connect', () => {
        socket.destroy();
        answer(true);
      })
      .on('error', (error: NodeJS.ErrnoException) =>
        answer(error.code !== 'ECONNREFUSED'),
      );
  });
}
