import type { DigestMd5Login, SaslResponder } from './sasl-login.js';

/** Names of a service that has none: ZooKeeper's servers all use these. */
const REALM = 'zk-sasl-md5';
const URI = `zookeeper/${REALM}`;
/** Number of the only request that is made with a nonce. */
const NONCE_COUNT = '00000001';

/** One login by SASL's DIGEST-MD5 (RFC 2831), as ZooKeeper's servers do it. */
export function digestMd5({
  username,
  password,
}: DigestMd5Login): SaslResponder {
  // Loaded when it is used: a process without SASL does not pay for it.
  const { createHash, randomBytes } = process.getBuiltinModule('node:crypto');
  const md5 = (data: string | Uint8Array): Buffer =>
    createHash('md5').update(data).digest();
  const md5Hex = (data: string): string => md5(data).toString('hex');
  let proofOfServer = '';

  const answer = (challenge: string): Uint8Array => {
    const { nonce, realm = REALM, qop = 'auth', algorithm } = parse(challenge);
    const isOffered =
      nonce !== undefined &&
      algorithm === 'md5-sess' &&
      qop.split(',').some((each) => each.trim() === 'auth');
    if (!isOffered) {
      throw new Error('the server does not offer DIGEST-MD5');
    }
    const cnonce = randomBytes(16).toString('base64');
    const a1 = Buffer.concat([
      md5(Buffer.concat([username, ':', realm, ':', password].map(bytesOf))),
      Buffer.from(`:${nonce}:${cnonce}`),
    ]);
    const prove = (a2: string): string =>
      md5Hex(
        `${md5(a1).toString('hex')}:${nonce}:${NONCE_COUNT}:${cnonce}:auth:` +
          md5Hex(a2),
      );
    proofOfServer = prove(`:${URI}`);
    const fields = [
      'charset=utf-8',
      `username=${quote(username)}`,
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      `nc=${NONCE_COUNT}`,
      `cnonce=${quote(cnonce)}`,
      `digest-uri=${quote(URI)}`,
      'maxbuf=65536',
      `response=${prove(`AUTHENTICATE:${URI}`)}`,
      'qop=auth',
    ];
    return Buffer.from(fields.join(','));
  };

  return (challenge, { step }) => {
    const text = Buffer.from(challenge).toString();
    switch (step) {
      case 0:
        // The server speaks first.
        return new Uint8Array();
      case 1:
        return answer(text);
      default:
        if (parse(text).rspauth !== proofOfServer) {
          throw new Error(
            'the server could not prove that it knows the password',
          );
        }
        return undefined;
    }
  };
}

/** Whatever the charset, a text that Latin-1 can write is hashed as such. */
function bytesOf(text: string): Buffer {
  // oxlint-disable-next-line no-control-regex
  return Buffer.from(text, /^[\0-\xff]*$/.test(text) ? 'latin1' : 'utf8');
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, String.raw`\$&`)}"`;
}

/** Reads `name=value,name="value"`, where quoted values escape with `\`. */
function parse(challenge: string): Record<string, string | undefined> {
  const found: Record<string, string | undefined> = {};
  const fields = /([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^,]*))/gs;
  for (const [, name, quoted, plain] of challenge.matchAll(fields)) {
    found[name as string] = quoted?.replace(/\\(.)/gs, '$1') ?? plain;
  }
  return found;
}
