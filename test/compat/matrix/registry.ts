import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const LIBRARY = 'nestjs-zookeeper-leader';
/** Package managers may refuse what was published a moment ago. */
const PUBLISHED = '2026-01-01T00:00:00.000Z';

/** An npm registry on this machine. */
export interface Registry {
  readonly url: string;
  /** How often the library has been asked for; a cache may have its package. */
  readonly requests: () => number;
  close(): Promise<void>;
}

/**
 * Starts a registry that has the library, from a tarball, and passes all other
 * questions on to the registry that npm is configured with.
 */
export async function startRegistry(tarball: string): Promise<Registry> {
  const upstream = (await run('npm', ['config', 'get', 'registry'])).trim();
  const content = await readFile(tarball);
  const manifest = JSON.parse(
    await run('tar', ['-xzOf', tarball, 'package/package.json']),
  ) as { version: string };
  let requests = 0;

  const versionAt = (origin: string) => ({
    ...manifest,
    dist: {
      tarball: `${origin}/${LIBRARY}/-/${LIBRARY}-${manifest.version}.tgz`,
      shasum: createHash('sha1').update(content).digest('hex'),
      integrity: `sha512-${createHash('sha512').update(content).digest('base64')}`,
    },
  });
  const packument = (origin: string) => ({
    name: LIBRARY,
    'dist-tags': { latest: manifest.version },
    time: {
      created: PUBLISHED,
      modified: PUBLISHED,
      [manifest.version]: PUBLISHED,
    },
    versions: { [manifest.version]: versionAt(origin) },
  });

  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] as string;
    const origin = `http://${request.headers.host}`;
    if (path.endsWith('.tgz') && path.startsWith(`/${LIBRARY}/`)) {
      requests += 1;
      response.setHeader('content-type', 'application/octet-stream');
      response.end(content);
    } else if (path === `/${LIBRARY}`) {
      requests += 1;
      sendJson(response, packument(origin));
    } else if (
      [`/${LIBRARY}/latest`, `/${LIBRARY}/${manifest.version}`].includes(path)
    ) {
      requests += 1;
      sendJson(response, versionAt(origin));
    } else {
      const { accept = '*/*' } = request.headers;
      const url = new URL((request.url ?? '/').slice(1), upstream);
      void passOn(url, accept, response);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function sendJson(response: ServerResponse, content: object): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(content));
}

async function passOn(
  url: URL,
  accept: string,
  response: ServerResponse,
): Promise<void> {
  try {
    const answer = await fetch(url, { headers: { accept } });
    const type = answer.headers.get('content-type');
    response.writeHead(answer.status, type ? { 'content-type': type } : {});
    response.end(Buffer.from(await answer.arrayBuffer()));
  } catch (error) {
    response.writeHead(502);
    response.end(String(error));
  }
}

async function run(command: string, args: string[]): Promise<string> {
  return (await execute(command, args)).stdout;
}
