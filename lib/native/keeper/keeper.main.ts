/*
 * The session keeper: a small process that holds the ZooKeeper session of one
 * application. It does what the application says over its IPC channel, ends the
 * session when the application is dead, and exits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KeeperSession } from './keeper-session.js';
import {
  loadNativeZookeeper,
  type NativeBindingClass,
} from './native-zookeeper.js';
import {
  isWatchTuple,
  type FromKeeper,
  type OpenMessage,
  type ReplyTuple,
  type ToKeeper,
  type WatchTuple,
} from './protocol.js';

/** A parent that does not say what to do within this time never will. */
const OPEN_TIMEOUT_MS = 30_000;
/** The kernel reports the end of a parent up to 20 ms after that of its channel. */
const PARENT_END_MS = 100;
const LONGEST_GATHERING_MS = 1;
const STALL_TICKS = 10;

/** The application, as it calls itself. */
const applicationPid = Number(process.argv[2]);
let Native: NativeBindingClass | undefined;
let session: KeeperSession | undefined;
let isClosing = false;
/** Own ticks since the application was heard. */
let silentTicks = 0;
let outbox: (ReplyTuple | WatchTuple)[] = [];
let gathering: NodeJS.Timeout | undefined;

function send(message: FromKeeper): void {
  flush();
  if (process.connected) {
    // A failed send means that the application is gone: `disconnect` follows.
    process.send?.(message, undefined, undefined, () => undefined);
  }
}

/**
 * Sends events at once, and the answers of a burst together: a message for each
 * of them would cost the application more than all that it asks for.
 */
function post(item: ReplyTuple | WatchTuple): void {
  outbox.push(item);
  if (isWatchTuple(item) || session?.awaitedReplies === 0) {
    flush();
  } else {
    gathering ??= setTimeout(flush, LONGEST_GATHERING_MS);
  }
}

function flush(): void {
  clearTimeout(gathering);
  gathering = undefined;
  if (outbox.length > 0) {
    const items = outbox;
    outbox = [];
    send({ type: 'batch', items });
  }
}

function receive(message: ToKeeper): void {
  switch (message.type) {
    case 'open':
      open(message);
      break;
    case 'requests':
      for (const request of message.requests) {
        session?.send(request, message.connection);
      }
      break;
    case 'replace':
      if (session?.sessionId === message.sessionId) {
        void session.end();
      }
      break;
    case 'alive':
      send({ type: 'alive' });
      break;
    case 'close':
      send({ type: 'alive' });
      void close();
      break;
  }
}

function open(message: OpenMessage): void {
  if (session || !Native) {
    return;
  }
  clearTimeout(openDeadline);
  session = new KeeperSession(Native, message, {
    onMessage: send,
    onItem: post,
  });
  session.run().catch((error: unknown) => giveUp(String(error)));
  watchForStalls(message);
}

/**
 * After a stall of the application that is too long, its session is kept alive
 * no more. It is not closed: the application lives, and the end of this process
 * leaves the rest to ZooKeeper. Counted in ticks: a pause of this process, or of
 * the whole machine, is no silence of the application.
 */
function watchForStalls({ maxStallMs, sessionTimeoutMs }: OpenMessage): void {
  const longestMs = Math.max(
    maxStallMs - sessionTimeoutMs,
    sessionTimeoutMs / 2,
  );
  setInterval(() => {
    silentTicks += 1;
    if (silentTicks > STALL_TICKS && !isClosing) {
      process.stderr.write('the application has stalled for too long');
      letGo();
    }
  }, longestMs / STALL_TICKS);
}

function giveUp(reason: string): void {
  send({ type: 'unusable', reason });
  exit(1);
}

/** Ends the session and then the process. */
async function close(): Promise<void> {
  if (!isClosing) {
    isClosing = true;
    await session?.end();
    exit(0);
  }
}

/**
 * The native client cannot give a connection up without ending the session; the
 * end of the process can.
 */
function letGo(): void {
  process.kill(process.pid, 'SIGKILL');
}

/**
 * The end of the channel proves nothing: an application that lives may believe
 * in its session, and another keeper takes that over.
 */
async function channelClosed(): Promise<void> {
  for (let ms = 0; ms < PARENT_END_MS && !isClosing; ms++) {
    if (process.ppid !== applicationPid) {
      await close();
    }
    await sleep(1);
  }
  if (!isClosing) {
    letGo();
  }
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
process.title = `nestjs-zookeeper-leader keeper of ${applicationPid}`;

const openDeadline = setTimeout(() => void close(), OPEN_TIMEOUT_MS);
process.on('disconnect', () => void channelClosed());
process.on('message', (message: ToKeeper) => {
  silentTicks = 0;
  receive(message);
});
try {
  Native = loadNativeZookeeper();
  send({ type: 'alive' });
} catch (error) {
  giveUp((error as Error).message);
}
