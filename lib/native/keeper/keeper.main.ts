/*
 * The session keeper: a small process that holds the ZooKeeper session of one
 * application. It does what the application says over its IPC channel, ends the
 * session when that channel breaks, and exits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KeeperSession } from './keeper-session.js';
import { describeOpenProblem, isToKeeper } from './message-check.js';
import {
  loadNativeZookeeper,
  type NativeBindingClass,
} from './native-zookeeper.js';
import {
  PROTOCOL_VERSION,
  isWatchTuple,
  type FromKeeper,
  type OpenMessage,
  type ReplyTuple,
  type ToKeeper,
  type WatchTuple,
} from './protocol.js';
import { StallWatch } from './stall-watch.js';

/** A parent that does not say what to do within this time never will. */
const OPEN_TIMEOUT_MS = 30_000;

/** The kernel reports the end of a parent up to 20 ms after that of its channel. */
const PARENT_END_MS = 100;
/** The application, as it calls itself. */
const APPLICATION_PID = Number(process.argv[2] ?? process.ppid);

/** While so many answers are awaited, no message is sent for one of them. */
const BURST = 16;
const LONGEST_GATHERING_MS = 1;

let Native: NativeBindingClass | undefined;
let session: KeeperSession | undefined;
let isClosing = false;
let stallWatch: StallWatch | undefined;
let outbox: (ReplyTuple | WatchTuple)[] = [];
/** Requests that came last in their message: the answers go together, too. */
const lastOfMessage = new Set<number>();
/** Under way when the outbox is about to be sent, or is for a moment not. */
let flushing: NodeJS.Immediate | undefined;
let gathering: NodeJS.Timeout | undefined;

function send(message: FromKeeper): void {
  flush();
  if (process.connected) {
    // A failed send means that the application is gone: `disconnect` follows.
    process.send?.(message, undefined, undefined, () => undefined);
  }
}

/**
 * Sends events at once, and answers together whose requests came together. Of a
 * burst of requests a message for each answer would cost the application more
 * than all that it asks for: they are gathered for a moment.
 */
function post(item: ReplyTuple | WatchTuple, isFromServer: boolean): void {
  outbox.push(item);
  const isComplete = isWatchTuple(item) || lastOfMessage.delete(item[0]);
  if (!isFromServer) {
    flushing ??= setImmediate(flush);
  } else if (isComplete && (session?.awaitedReplies ?? 0) < BURST) {
    flush();
  } else {
    gathering ??= setTimeout(flush, LONGEST_GATHERING_MS);
  }
}

function flush(): void {
  clearTimeout(gathering);
  clearImmediate(flushing);
  gathering = undefined;
  flushing = undefined;
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
    case 'requests': {
      const last = message.requests.at(-1);
      if (last) {
        lastOfMessage.add(last[0]);
      }
      for (const request of message.requests) {
        session?.send(request, message.connection);
      }
      break;
    }
    case 'replace':
      session?.surrender('replaced');
      session?.resume();
      break;
    case 'alive':
      send({ type: 'alive' });
      break;
    case 'close':
      send({ type: 'closing', isOutOfReach: session?.isOutOfReach ?? false });
      void close();
      break;
  }
}

function open(message: OpenMessage): void {
  if (message.version !== PROTOCOL_VERSION) {
    giveUp(
      `the application speaks version ${message.version} of the keeper's ` +
        `protocol, the keeper version ${PROTOCOL_VERSION}. ` +
        'Install nestjs-zookeeper-leader once, in one version, and restart',
    );
    return;
  }
  const problem = describeOpenProblem(message);
  if (problem !== undefined) {
    giveUp(`it cannot open a session as it was told to: ${problem}`);
    return;
  }
  if (session || !Native) {
    return;
  }
  clearTimeout(openDeadline);
  const opened = new KeeperSession(Native, message, send, post);
  session = opened;
  stallWatch = new StallWatch(message.maxStallMs, () =>
    opened.surrender('stall'),
  );
  opened.run().catch((error: unknown) => giveUp(String(error)));
}

function giveUp(reason: string): void {
  send({ type: 'unusable', reason });
  exit(1);
}

/** Ends the session and then the process. */
async function close(): Promise<void> {
  isClosing = true;
  stallWatch?.stop();
  await session?.close();
  send({ type: 'closed' });
  exit(0);
}

/**
 * The end of the channel proves nothing: an application that lives may believe
 * in its session, and another keeper takes that over. The native client cannot
 * give a connection up without ending the session; the end of the process can.
 */
async function channelClosed(): Promise<void> {
  for (let ms = 0; ms < PARENT_END_MS && !isClosing; ms++) {
    if (process.ppid !== APPLICATION_PID) {
      await close();
    }
    await sleep(1);
  }
  if (!isClosing) {
    process.kill(process.pid, 'SIGKILL');
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
process.title = `nestjs-zookeeper-leader keeper of ${APPLICATION_PID}`;

const openDeadline = setTimeout(() => void close(), OPEN_TIMEOUT_MS);
process.on('disconnect', () => void channelClosed());
process.on('message', (message: unknown) => {
  stallWatch?.sawLife();
  session?.resume();
  // What cannot be understood is left alone: the application waits for the
  // answer to a request no longer than for one that was lost.
  if (isToKeeper(message)) {
    receive(message);
  }
});

try {
  Native = loadNativeZookeeper();
  send({ type: 'ready', version: PROTOCOL_VERSION });
} catch (error) {
  giveUp((error as Error).message);
}
