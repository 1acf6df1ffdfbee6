import { JuteReader } from '../../zookeeper/codec/jute-reader.js';
import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import { nameOfOpcode } from './server-opcodes.js';
import type { TestingRequest } from './testing-server.types.js';

const WITH_PATH =
  /^(create|delete|exists|get|set(Data|Acl)$|sync|check|removeW|addW)/;

const CODE_NAMES = new Map<number, string>(
  Object.entries(RESULT_CODES).map(([name, code]) => [code, name]),
);

/** What a request is, for people. */
export function describeRequest(
  opcode: number,
  body: Buffer,
  sessionId: string,
  code: number,
): TestingRequest {
  const type = nameOfOpcode(opcode) ?? `opcode ${opcode}`;
  return {
    type,
    sessionId,
    ...(WITH_PATH.test(type) && { path: pathOf(body) }),
    ...(code !== RESULT_CODES.ok && {
      error: CODE_NAMES.get(code) ?? `code ${code}`,
    }),
  };
}

function pathOf(body: Buffer): string {
  try {
    return new JuteReader(body).text();
  } catch {
    return '';
  }
}
