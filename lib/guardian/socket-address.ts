import { randomBytes } from 'node:crypto';

/** As long as an address may be: Node.js versions differ in how they fill up. */
const ABSTRACT_NAME_CHARACTERS = 107;

/**
 * An address in Linux's abstract namespace, which needs no writable folder and
 * leaves no file behind, as text: "@" stands for the zero byte.
 */
export function abstractAddress(): string {
  const name = `nestjs-zookeeper-leader-${randomBytes(8).toString('hex')}`;
  return `@${name.padEnd(ABSTRACT_NAME_CHARACTERS, '-')}`;
}

/** What Node.js takes as a path. */
export function toSocketPath(address: string): string {
  return address.startsWith('@') ? `\0${address.slice(1)}` : address;
}
