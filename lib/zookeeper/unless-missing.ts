import {
  isZookeeperError,
  type ZookeeperErrorCode,
} from './zookeeper.error.js';

/** The result, or undefined if the node does not exist. */
export function unlessMissing<T>(request: Promise<T>): Promise<T | undefined> {
  return unlessRefused(request, 'NO_NODE');
}

/** The result, or undefined if the request fails with one of these codes. */
export async function unlessRefused<T>(
  request: Promise<T>,
  ...codes: ZookeeperErrorCode[]
): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isZookeeperError(error, ...codes)) {
      return undefined;
    }
    throw error;
  }
}
