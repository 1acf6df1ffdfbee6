// @ts-check
/**
 * A process that holds one session and has it guarded, as an application does:
 * says on the standard output what happens, and does what the test tells it to.
 */
import { blockEventLoop } from './block-event-loop.mjs';
import { PING, PlainSession } from './plain-session.mjs';

const build = new URL('../../dist/esm/', import.meta.url);
const { createGuardian } = await import(
  new URL('guardian/application/create-guardian.js', build).href
);

/** @type {{ port: number, timeoutMs: number, maxStallMs: number, path: string, servers?: number[], guardian?: false | { socket: string } }} */
const options = JSON.parse(process.env.OPTIONS ?? '{}');
const { port, timeoutMs, maxStallMs, path, servers = [port] } = options;

const RUN = 'NESTJS_ZOOKEEPER_LEADER_RUN';

/**
 * @param {string} type
 * @param {object} [details]
 */
function tell(type, details = {}) {
  process.stdout.write(`${JSON.stringify({ type, ...details })}\n`);
}

const guardian = createGuardian({
  guardian: options.guardian,
  maxStallMs,
  onNotice: (/** @type {object} */ notice) => tell('notice', notice),
  onUntrusted: (/** @type {string} */ why) => tell('untrusted', { why }),
});
await guardian?.start();
const session = new PlainSession({ port, timeoutMs });
session.beforePing = () => guardian?.signOfLife();
const address = (/** @type {number} */ at) => ({ host: '127.0.0.1', port: at });

session.on('connected', (isNew) => void connected(isNew));

/** @param {boolean} isNew */
async function connected(isNew) {
  const isGuarded = await guardian?.guard({
    servers: servers.map(address),
    server: { ...address(session.port), address: '127.0.0.1' },
    sessionId: session.id,
    password: session.password,
    sessionTimeoutMs: session.timeoutMs,
    security: { auth: [] },
  });
  if (isNew) {
    await session.createEphemeral(path);
  }
  tell('guarded', {
    isGuarded,
    isNew,
    sessionId: session.id,
    timeoutMs: session.timeoutMs,
  });
}
session.on('reply', (xid) => {
  if (xid === PING) {
    tell('heartbeat');
  }
});
session.on('disconnected', () => tell('disconnected'));
session.on('expired', () => tell('expired'));

// As a timer after a pause: it fires before anything that has come in is read.
let lastMs = performance.now();
setInterval(() => {
  const gapMs = performance.now() - lastMs;
  lastMs = performance.now();
  if (gapMs > 300) {
    tell('after a pause', { gapMs, isTrusted: guardian?.isTrusted() });
  }
}, 20);

/** @param {any} message */
async function act(message) {
  if (message.blockMs !== undefined) {
    blockEventLoop(message.blockMs);
    tell('unblocked');
  }
  if (message.moveTo !== undefined) {
    session.connect(message.moveTo);
  }
  switch (message.do) {
    case 'exit':
      process.exit(3);
      break;
    case 'throw':
      setTimeout(() => {
        throw new Error('nobody catches this');
      });
      break;
    case 'heap': {
      const kept = [];
      for (;;) {
        kept.push(Array.from({ length: 1e5 }, (_, index) => index));
      }
    }
    case 'abort':
      process.abort();
      break;
    case 'isTrusted':
      tell('trust', { isTrusted: guardian?.isTrusted() });
      break;
    case 'silence':
      // Without a word to the guardian either, as when it is cut off.
      session.close();
      break;
    case 'stop':
      session.close();
      await guardian?.stop();
      tell('stopped');
      break;
    case 'release':
      await guardian?.release();
      tell('released');
      break;
  }
}

process.on('message', (message) => void act(message));
// Below other processes there is no channel: what to do then is said before.
process.on(
  'SIGUSR2',
  () => void act(JSON.parse(process.env.ON_SIGNAL ?? '{}')),
);
tell('started', { pid: process.pid, run: RUN in process.env });
