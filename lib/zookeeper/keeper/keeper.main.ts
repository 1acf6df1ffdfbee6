/*
 * The session keeper: a small process that holds the ZooKeeper session of one
 * application. It does what the application says over its IPC channel, ends the
 * session when that channel breaks, and exits.
 */
import { KeeperSession } from './keeper-session.js';
import { loadNativeZookeeper } from './native-zookeeper.js';
import {
  PROTOCOL_VERSION,
  type FromKeeper,
  type OpenMessage,
  type ReplyTuple,
  type ToKeeper,
  type WatchTuple,
} from './protocol.js';
import { StallWatch } from './stall-watch.js';

/** A parent that does not say what to do within this time never will. */
const OPEN_TIMEOUT_MS = 30_000;

let session: KeeperSession | undefined;
let stallWatch: StallWatch | undefined;
let outbox: (ReplyTuple | WatchTuple)[] = [];

function send(message: FromKeeper): void {
  flush();
  if (process.connected) {
    // A failed send means that the application is gone: `disconnect` follows.
    process.send?.(message, undefined, undefined, () => undefined);
  }
}

/** Sends what one turn of the event loop has brought in one message. */
function post(item: ReplyTuple | WatchTuple): void {
  if (outbox.push(item) === 1) {
    setImmediate(flush);
  }
}

function flush(): void {
  if (outbox.length > 0) {
    const items = outbox;
    outbox = [];
    send({ type: 'batch', items });
  }
}

function open(
  Native: Awaited<ReturnType<typeof loadNativeZookeeper>>,
  message: OpenMessage,
): void {
  if (message.version !== PROTOCOL_VERSION) {
    giveUp(
      `the application speaks version ${message.version} of the keeper's ` +
        `protocol, the keeper version ${PROTOCOL_VERSION}. ` +
        'Install nestjs-zookeeper-leader once, in one version',
    );
    return;
  }
  const opened = new KeeperSession(Native, message, send, post);
  session = opened;
  stallWatch = new StallWatch(message.maxStallMs, () => opened.surrender());
  opened.run().catch((error: unknown) => giveUp(String(error)));
}

function giveUp(reason: string): void {
  send({ type: 'unusable', reason });
  exit(1);
}

/** Ends the session and then the process. */
async function close(): Promise<void> {
  stallWatch?.stop();
  await session?.close();
  send({ type: 'closed' });
  exit(0);
}

function exit(code: number): void {
  if (process.connected) {
    process.disconnect();
  }
  // Once the last message is on its way nothing is left to wait for.
  setImmediate(() => process.exit(code));
}

// Ctrl-C and a stopped process group reach the keeper too, but the application
// needs the session until it has drained; the broken channel tells when.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => undefined);
}
process.on('disconnect', () => void close());
process.title = `nestjs-zookeeper-leader keeper of ${process.ppid}`;

loadNativeZookeeper().then(
  (Native) => {
    const deadline = setTimeout(() => void close(), OPEN_TIMEOUT_MS);
    process.on('message', (message: ToKeeper) => {
      stallWatch?.sawLife();
      session?.resume();
      switch (message.type) {
        case 'open':
          clearTimeout(deadline);
          open(Native, message);
          break;
        case 'requests':
          for (const request of message.requests) {
            session?.send(request);
          }
          break;
        case 'alive':
          send({ type: 'alive' });
          break;
        case 'close':
          void close();
          break;
      }
    });
    send({ type: 'ready', version: PROTOCOL_VERSION });
  },
  (error: Error) => giveUp(error.message),
);
