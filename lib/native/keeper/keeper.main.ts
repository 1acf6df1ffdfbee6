/*
 * The session keeper: a small process that holds the ZooKeeper session of one
 * application. It does what the application says over its IPC channel, ends the
 * session when the application is dead, and exits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KeeperSession } from './keeper-session.js';
import { loadNativeZookeeper } from './native-zookeeper.js';
import type { FromKeeper, OpenMessage, ToKeeper } from './protocol.js';

/** The kernel reports the end of a parent up to 20 ms after that of its channel. */
const PARENT_END_MS = 100;
const STALL_TICKS = 10;

/** The application, as it calls itself. */
const applicationPid = Number(process.argv[2]);
let session: KeeperSession | undefined;
let isClosing = false;
/** Own ticks since the application was heard. */
let silentTicks = 0;

function send(message: FromKeeper): void {
  if (process.connected) {
    // A failed send means that the application is gone: `disconnect` follows.
    process.send?.(message, undefined, undefined, () => undefined);
  }
}

function receive(message: ToKeeper): void {
  switch (message.type) {
    case 'open':
      open(message);
      break;
    case 'requests':
      session?.send(message);
      break;
    case 'replace':
      session?.replace(message.sessionId);
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
  try {
    session = new KeeperSession(loadNativeZookeeper(), message, send);
  } catch (error) {
    process.stderr.write((error as Error).message);
    process.exit(1);
  }
  void session.run();
  watchForStalls(message);
  send({ type: 'alive' });
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

/** Ends the session and then the process. */
async function close(): Promise<void> {
  if (!isClosing) {
    isClosing = true;
    await session?.end();
    process.exit(0);
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

// A service manager may signal all processes of a service, but the application
// needs the session until it has drained; the broken channel tells when.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => undefined);
}
process.title = `nestjs-zookeeper-leader keeper of ${applicationPid}`;

process.on('disconnect', () => void channelClosed());
process.on('message', (message: ToKeeper) => {
  silentTicks = 0;
  receive(message);
});
