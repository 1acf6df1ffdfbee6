/**
 * Preloaded into an application and the processes that it starts: names of the
 * suite's own are looked up in a file, which may change at any time.
 */
import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

type Callback = (
  error: Error | null,
  address: string | { address: string; family: number }[],
  family?: number,
) => void;

const FAMILY = 4;
const file = process.env.NAMES_FILE ?? '';
const lookup = dns.lookup as (...args: unknown[]) => void;

function lookUp(name: string, ...rest: unknown[]): void {
  const callback = rest.at(-1) as Callback;
  const [options] = rest;
  if (!name.endsWith('.test')) {
    lookup(name, ...rest);
    return;
  }
  const names = JSON.parse(readFileSync(file, 'utf8')) as Record<
    string,
    string
  >;
  const address = names[name];
  setImmediate(() => {
    if (address === undefined) {
      const error = new Error(`getaddrinfo ENOTFOUND ${name}`);
      callback(Object.assign(error, { code: 'ENOTFOUND' }), '');
    } else if ((options as { all?: boolean } | undefined)?.all) {
      callback(null, [{ address, family: FAMILY }]);
    } else {
      callback(null, address, FAMILY);
    }
  });
}

dns.lookup = lookUp as unknown as typeof dns.lookup;
dns.promises.lookup = ((name: string, options?: { all?: boolean }) =>
  new Promise((resolve, reject) => {
    const callback: Callback = (error, found) => {
      const all = found as { address: string; family: number }[];
      if (error) {
        reject(error);
      } else {
        resolve(options?.all ? all : all[0]);
      }
    };
    lookUp(name, { ...options, all: true }, callback);
  })) as unknown as typeof dns.promises.lookup;
syncBuiltinESMExports();
