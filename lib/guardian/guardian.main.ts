/*
 * The guardian of one application: a small process beside it, which keeps its
 * ZooKeeper session alive while it is stalled, and closes it when it is dead.
 * The channel to the application is this process's file descriptor 3.
 */
import { Socket } from 'node:net';
import { ApplicationChannel } from './application-channel.js';
import { attach } from './attach.js';
import { lookerAtParent } from './process-identity.js';

/** The descriptor that the application hands down. */
const CHANNEL = 3;

// Ctrl-C and a stopped process group reach the guardian too, but the application
// needs its session until it has drained; the end of the channel tells when.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => undefined);
}
process.title = `nestjs-zookeeper-leader guardian of ${process.ppid}`;

// Its streams and timers keep it alive.
void new ApplicationChannel(new Socket({ fd: CHANNEL }), {
  attach,
  lookerAt: lookerAtParent,
  onOver: () => process.exit(),
});
