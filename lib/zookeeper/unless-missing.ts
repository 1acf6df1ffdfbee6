import { isZookeeperError } from './zookeeper.error.js';

/** The result, or undefined if the node does not exist. */
export async function unlessMissing<T>(
  request: Promise<T>,
): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isZookeeperError(error, 'NO_NODE')) {
      return undefined;
    }
    throw error;
  }
}
