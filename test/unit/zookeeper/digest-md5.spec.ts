import { expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { digestMd5 } from '../../../lib/zookeeper/handshake/digest-md5.js';

const CHALLENGE =
  'realm="zk-sasl-md5",nonce="abc",qop="auth",charset=utf-8,algorithm=md5-sess';

/** The answer to the challenge, of a user whose secret was hashed so. */
function expected(secret: Buffer, cnonce: string): string {
  const hash = (data: string | Buffer): Buffer =>
    createHash('md5').update(data).digest();
  const hex = (data: string | Buffer): string => hash(data).toString('hex');
  const a1 = Buffer.concat([hash(secret), Buffer.from(`:abc:${cnonce}`)]);
  const a2 = hex('AUTHENTICATE:zookeeper/zk-sasl-md5');
  return hex(`${hex(a1)}:abc:00000001:${cnonce}:auth:${a2}`);
}

// RFC 2831, 2.1.2.1, and what Java does.
it.each([
  ['bob', 'plain', Buffer.from('bob:zk-sasl-md5:plain')],
  ['bär', 'päß', Buffer.from('bär:zk-sasl-md5:päß', 'latin1')],
  [
    'bär',
    '€ä',
    Buffer.concat([
      Buffer.from('bär:zk-sasl-md5:', 'latin1'),
      Buffer.from('€ä', 'utf8'),
    ]),
  ],
])(
  'a login of "%s" with "%s" is hashed in Latin-1 where that can write it',
  async (username, password, secret) => {
    const respond = digestMd5({ mechanism: 'DIGEST-MD5', username, password });
    const context = { host: 'zk', port: 2181 };
    const answer = await respond(Buffer.from(CHALLENGE), {
      ...context,
      step: 1,
    });
    const text = Buffer.from(answer as Uint8Array).toString();
    const [, cnonce = ''] = /cnonce="([^"]+)"/.exec(text) ?? [];
    expect(text).toContain(`username="${username}"`);
    expect(text).toContain(`response=${expected(secret, cnonce)},`);
  },
);
