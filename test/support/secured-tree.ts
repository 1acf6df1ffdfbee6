import { createHash } from 'node:crypto';
import type { WireClient } from './wire-client.js';
import type { Acl } from './wire-records.js';

/** The list that gives a user of the scheme `digest` the given rights. */
export function aclOf(
  { username, password }: { username: string; password: string },
  permissions = 31,
): Acl[] {
  const hash = createHash('sha1').update(`${username}:${password}`);
  return [
    {
      permissions,
      scheme: 'digest',
      id: `${username}:${hash.digest('base64')}`,
    },
  ];
}

/** Who may do what, by path, at and below a path. */
export async function aclTree(
  client: WireClient,
  path: string,
): Promise<Map<string, Acl[]>> {
  const nodes = await client.tree(path);
  return new Map(
    await Promise.all(
      nodes.map(
        async (node) => [node.path, await client.getACL(node.path)] as const,
      ),
    ),
  );
}
