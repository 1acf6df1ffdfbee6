// @ts-check
/**
 *   node remove-nodes.mjs <connection string> <path>
 *
 * Removes a znode with all below it. A process of its own, because the native
 * client blocks its process when the servers do not answer.
 */
import ZooKeeper from 'zookeeper';

const ZNONODE = -101;
const [connect = '', root = ''] = process.argv.slice(2);

const client = new ZooKeeper({});
await new Promise((resolve) => {
  client.once('connect', resolve);
  client.init({ connect, timeout: 10_000, debug_level: 0 });
});
await remove(root);
client.close();

/** @param {string} path */
async function remove(path) {
  try {
    for (const child of await client.get_children(path, false)) {
      await remove(`${path}/${child}`);
    }
    await client.delete_(path, -1);
  } catch (error) {
    // Somebody else, such as the server, has removed it.
    if (!String(error).includes(String(ZNONODE))) {
      throw error;
    }
  }
}
