import { isIP } from 'node:net';

/** One ZooKeeper server as the user wrote it. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** A parsed connection string. */
export interface ConnectionTarget {
  readonly servers: readonly ServerAddress[];
  /** Path below which everything is kept, `''` if there is none. */
  readonly chroot: string;
}

const DEFAULT_PORT = 2181;

/**
 * Parses `host:port,host:port/chroot`, ZooKeeper's own format: the port
 * defaults to 2181, IPv6 addresses stand in brackets.
 *
 * @throws {TypeError} saying what is wrong with the text and what was expected
 */
export function parseConnectionString(text: string): ConnectionTarget {
  const scheme = /^[a-z][a-z\d+.-]*:\/\//i.exec(text)?.[0];
  if (scheme !== undefined) {
    throw malformed(text, `it is a URL; write it without "${scheme}"`);
  }
  const slash = text.indexOf('/');
  const hosts = slash < 0 ? text : text.slice(0, slash);
  const chroot = slash < 0 ? '' : text.slice(slash).replace(/\/+$/, '');
  if (chroot !== '') {
    const problem = describePathProblem(chroot);
    if (problem) {
      throw malformed(text, `its path "${chroot}" ${problem}`);
    }
  }
  return {
    servers: hosts.split(',').map((part) => parseServer(part.trim(), text)),
    chroot,
  };
}

/** Says why `path` is no valid absolute znode path; undefined if it is one. */
export function describePathProblem(path: string): string | undefined {
  if (!path.startsWith('/')) {
    return 'is not absolute: it must start with "/"';
  }
  if (path.length > 1 && path.endsWith('/')) {
    return 'ends with "/"';
  }
  const segments = path.slice(1).split('/');
  if (path.length > 1 && segments.includes('')) {
    return 'has an empty segment ("//")';
  }
  if (segments.includes('.') || segments.includes('..')) {
    return 'has a relative segment ("." or "..")';
  }
  if (segments[0] === 'zookeeper') {
    return "lies in ZooKeeper's own /zookeeper";
  }
  // The characters that ZooKeeper's PathUtils.validatePath refuses.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/.test(path)) {
    return 'has a character that ZooKeeper does not allow in a path';
  }
  return undefined;
}

/**
 * Parses `host:port`, part of the connection string `whole`.
 *
 * @throws {TypeError} saying what is wrong with it
 */
function parseServer(text: string, whole: string): ServerAddress {
  if (text === '') {
    throw malformed(whole, 'a server is empty');
  }
  const match =
    /^\[(?<v6>[^\]]+)\](?::(?<v6port>[^:]*))?$/.exec(text) ??
    /^(?<name>[^:\s[\]@]+)(?::(?<port>[^:]*))?$/.exec(text);
  const { v6, v6port, name, port } = match?.groups ?? {};
  const host = v6 ?? name;
  if (host === undefined || (v6 !== undefined && isIP(v6) !== 6)) {
    throw malformed(whole, `"${text}" is not a server`);
  }
  const portText = v6port ?? port ?? String(DEFAULT_PORT);
  const portNumber = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (portNumber < 1 || portNumber > 65_535) {
    throw malformed(whole, `"${portText}" is not a port`);
  }
  return { host, port: portNumber };
}

/**
 * Somebody may have written `user:password@host`, which is not for logs. A
 * password may contain any character, so nothing before an "@" is shown.
 */
export function withoutSecrets(connectionString: string): string {
  return connectionString.replace(/^.*@/s, '***@');
}

function malformed(text: string, why: string): TypeError {
  const reason = text.includes('@')
    ? 'a name and a password belong in the option credentials'
    : why;
  return new TypeError(
    `"${withoutSecrets(text)}" is not a ZooKeeper connection string: ${reason}. ` +
      'Expected "host:port", or several with commas between, ' +
      'optionally followed by a path, as in "zk1:2181,zk2:2181/my-app".',
  );
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatServer({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
