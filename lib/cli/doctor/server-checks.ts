import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ServerAddress } from '../../zookeeper/connection-string.js';
import { bad, note, ok, type Finding } from './finding.js';

/** How a server answered the question `srvr`. */
export type Answer =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'closed' | 'silent' }
  | {
      readonly type: 'failed';
      readonly code: string;
      readonly message: string;
    };

/** Older ones have no container nodes that work. */
const OLDEST_VERSION = [3, 6] as const;

/** Looks a server up, dials it, and asks what it is. */
export async function checkServer(
  { host, port }: ServerAddress,
  timeoutMs: number,
): Promise<Finding[]> {
  const about = `${host}:${port}`;
  try {
    await lookup(host);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return [
      bad(
        about,
        `the name ${host} cannot be resolved (${code})`,
        'correct the name in the connection string, or the DNS that this machine asks',
      ),
    ];
  }
  const answer = await ask(host, port, timeoutMs);
  const mayBeTls = answer.type === 'closed' || answer.type === 'silent';
  return mayBeTls && (await speaksTls(host, port, timeoutMs))
    ? [isOfTls(about)]
    : judgeAnswer(about, answer, timeoutMs);
}

/** What an answer says about a server. */
export function judgeAnswer(
  about: string,
  answer: Answer,
  timeoutMs: number,
): Finding[] {
  switch (answer.type) {
    case 'failed':
      return [judgeFailure(about, answer, timeoutMs)];
    case 'silent':
      return [
        bad(
          about,
          `it accepts connections, and says nothing within ${timeoutMs} ms`,
          'see whether something else listens there, the server hangs, or this port expects TLS',
        ),
      ];
    case 'closed':
      return [
        note(
          about,
          'it closes the connection without an answer to srvr',
          'if it is ZooKeeper, allow the command: 4lw.commands.whitelist=srvr',
        ),
      ];
    default:
      return judgeText(about, answer.text);
  }
}

function judgeFailure(
  about: string,
  { code, message }: { code: string; message: string },
  timeoutMs: number,
): Finding {
  switch (code) {
    case 'ECONNREFUSED':
      return bad(
        about,
        'it refuses connections: nothing listens there',
        'start the server, or correct the port',
      );
    case 'ETIMEDOUT':
      return bad(
        about,
        `it does not accept a connection within ${timeoutMs} ms`,
        'see whether a firewall or a network policy is in between, and whether the machine runs',
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return bad(
        about,
        `there is no route to it (${code})`,
        'correct the address, or the network of this machine',
      );
    default:
      return bad(about, message, 'see whether ZooKeeper listens there');
  }
}

function judgeText(about: string, text: string): Finding[] {
  if (text.charCodeAt(0) === 0x15) {
    return [isOfTls(about)];
  }
  if (/not currently serving requests/.test(text)) {
    return [
      bad(
        about,
        'it runs and does not serve: it has no quorum, or has just been started',
        'start enough of the other servers, and see their logs for elections that fail',
      ),
    ];
  }
  if (/is not executed because it is not in the whitelist/.test(text)) {
    return [
      note(
        about,
        'it is ZooKeeper, and does not tell its version',
        'allow the command: 4lw.commands.whitelist=srvr',
      ),
    ];
  }
  const version = /^Zookeeper version: (\d+)\.(\d+)\.(\d+)/m.exec(text);
  if (!version) {
    return [
      bad(
        about,
        `something that is not ZooKeeper answers: ${JSON.stringify(text.slice(0, 40))}`,
        'correct the port',
      ),
    ];
  }
  const mode = /^Mode: (\w+)/m.exec(text)?.[1] ?? 'unknown';
  return [
    ok(about, `ZooKeeper ${version[0].slice(19)}, ${mode}`),
    ...judgeVersion(about, version.slice(1).map(Number)),
    ...(mode === 'standalone'
      ? [
          note(
            about,
            'it is a single server: while it is down, nobody leads',
            'run three or five servers where that matters',
          ),
        ]
      : []),
  ];
}

function isOfTls(about: string): Finding {
  return bad(
    about,
    'it speaks TLS at this port',
    'use its clientPort, or give the application the option tls',
  );
}

/** What is known of a version. */
function judgeVersion(
  about: string,
  [major = 0, minor = 0, patch = 0]: readonly number[],
): Finding[] {
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    return [
      bad(
        about,
        `version ${major}.${minor} is too old: 3.6 or newer is needed`,
        'upgrade the servers, one at a time',
      ),
    ];
  }
  return major === 3 && minor === 8 && patch === 0
    ? [
        note(
          about,
          'version 3.8.0 has lost acknowledged writes when servers crashed in a row',
          'upgrade to a later 3.8 or to 3.9',
        ),
      ]
    : [];
}

/** Sends `srvr`, and reads the answer to its end. */
function ask(host: string, port: number, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    let text = '';
    let isConnected = false;
    const socket = connect({ host, port });
    const settle = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const end = (): void =>
      settle(text === '' ? { type: 'closed' } : { type: 'text', text });
    const timer = setTimeout(() => {
      if (text !== '') {
        end();
      } else {
        settle(
          isConnected
            ? { type: 'silent' }
            : { type: 'failed', code: 'ETIMEDOUT', message: 'timed out' },
        );
      }
    }, timeoutMs);
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      isConnected = true;
      // With a byte more, which ZooKeeper ignores, it is long enough for TLS to refuse.
      socket.write('srvr\n');
    });
    socket.on('data', (chunk: string) => {
      text += chunk.slice(0, 4_096 - text.length);
    });
    socket.on('end', end);
    socket.on('error', (error: NodeJS.ErrnoException) =>
      isConnected
        ? end()
        : settle({
            type: 'failed',
            code: error.code ?? '',
            message: error.message,
          }),
    );
  });
}

/** Whether a server answers a TLS handshake, whatever its certificate. */
function speaksTls(
  host: string,
  port: number,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false });
    const settle = (isTls: boolean): void => {
      socket.destroy();
      resolve(isTls);
    };
    socket.setTimeout(timeoutMs, () => settle(false));
    socket.on('secureConnect', () => settle(true));
    // A server that demands a certificate refuses with an alert: that is TLS, too.
    socket.on('error', ({ code }: NodeJS.ErrnoException) =>
      settle(/ALERT|HANDSHAKE_FAILURE/.test(code ?? '')),
    );
    socket.on('end', () => settle(false));
  });
}
