import { lookup } from 'node:dns/promises';
import type { ServerAddress } from '../../zookeeper/connection-string.js';
import { describeConnectFailure } from '../../zookeeper/connection/describe-failure.js';
import type { TlsParameters } from '../../zookeeper/connection/tls-options.interface.js';
import { bad, note, ok, type Finding } from './finding.js';
import { judgeVersion } from './known-versions.js';
import { probe, speaksTls, type Answer } from './probe.js';

/** What a TLS record with an alert begins with. */
const TLS_ALERT = 0x15;

/**
 * Looks a server up, dials it, and asks what it is.
 *
 * @param tls undefined: without TLS
 */
export async function checkServer(
  server: ServerAddress,
  timeoutMs: number,
  tls?: TlsParameters,
): Promise<Finding[]> {
  const { host, port } = server;
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
  const answer = await probe(server, timeoutMs, tls);
  if (answer.type === 'text') {
    return judgeAnswer(about, answer, timeoutMs);
  }
  if (tls) {
    const plain = await probe(server, timeoutMs, undefined);
    return plain.type === 'text' && plain.text.charCodeAt(0) !== TLS_ALERT
      ? [isWithoutTls(about)]
      : judgeAnswer(about, answer, timeoutMs, tls);
  }
  return answer.type !== 'failed' && (await speaksTls(server, timeoutMs))
    ? [isOfTls(about)]
    : judgeAnswer(about, answer, timeoutMs);
}

/** What an answer says about a server. */
export function judgeAnswer(
  about: string,
  answer: Answer,
  timeoutMs: number,
  tls?: TlsParameters,
): Finding[] {
  switch (answer.type) {
    case 'failed':
      return [judgeFailure(about, answer.error, timeoutMs, tls)];
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
  error: NodeJS.ErrnoException,
  timeoutMs: number,
  tls: TlsParameters | undefined,
): Finding {
  const { isOfTls: isTlsFailure, text } = describeConnectFailure(
    error,
    tls !== undefined,
    tls?.cert !== undefined,
  );
  if (isTlsFailure) {
    return bad(
      about,
      text,
      'the options here are --tls-ca, --tls-cert, --tls-key and --tls-servername, those of the application likewise',
    );
  }
  switch (error.code) {
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
        `there is no route to it (${error.code})`,
        'correct the address, or the network of this machine',
      );
    default:
      return bad(about, text, 'see whether ZooKeeper listens there');
  }
}

function judgeText(about: string, text: string): Finding[] {
  if (text.charCodeAt(0) === TLS_ALERT) {
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
  if (/^Zookeeper version: [\d.]+-testing-server/m.test(text)) {
    return [
      note(
        about,
        'it is a fake ZooKeeper for development, which keeps all in memory',
        'use real servers in production',
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

function isWithoutTls(about: string): Finding {
  return bad(
    about,
    'it speaks no TLS at this port',
    'use its secureClientPort, or leave out the TLS options, here and in the application',
  );
}

function isOfTls(about: string): Finding {
  return bad(
    about,
    'it speaks TLS at this port',
    'use its clientPort, or give the application the option tls, and this command --tls-ca',
  );
}
