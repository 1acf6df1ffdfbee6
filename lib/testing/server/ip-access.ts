import { BlockList, isIP } from 'node:net';

/** Whether this is `address` or `address/bits`, as in ACLs of the scheme `ip`. */
export function isIpExpression(expression: string): boolean {
  return parse(expression) !== undefined;
}

export function ipMatches(address: string, expression: string): boolean {
  const parsed = parse(expression);
  if (!parsed || isIP(address) !== parsed.version) {
    return false;
  }
  const family = parsed.version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(parsed.address, parsed.bits, family);
  return list.check(address, family);
}

function parse(
  expression: string,
): { address: string; bits: number; version: number } | undefined {
  const [address = '', bits, ...rest] = expression.split('/');
  const version = isIP(address);
  const longest = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? longest : Number(bits);
  const isFine =
    version !== 0 &&
    rest.length === 0 &&
    bits !== '' &&
    Number.isInteger(prefix) &&
    prefix >= 0 &&
    prefix <= longest;
  return isFine ? { address, bits: prefix, version } : undefined;
}
