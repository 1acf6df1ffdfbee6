import { ZookeeperError } from '../zookeeper.error.js';

export function mayNotEnter(path: string, username: string): ZookeeperError {
  return noAuth(
    path,
    `"${path}" is closed to the user "${username}" of the option credentials: ` +
      'the password is wrong, or the node was made under other credentials',
  );
}

export function mayNotCreate(
  path: string,
  parent: string,
  username: string,
): ZookeeperError {
  return noAuth(
    path,
    `"${path}" does not exist, and the user "${username}" of the option ` +
      `credentials may not create it: permit "c" (create) on "${parent}", or ` +
      `have an administrator create "${path}" with all rights for that user`,
  );
}

export function mayNotClose(path: string, username: string): ZookeeperError {
  return noAuth(
    path,
    `"${path}" is open to clients without credentials, and the user ` +
      `"${username}" of the option credentials may not close it: anybody could ` +
      'take the leadership. Have an administrator restrict its access control ' +
      'list to that user',
  );
}

export function wasOpen(path: string, username: string): string {
  return (
    `"${path}" was open to clients without credentials. It is closed now to all ` +
    `but the user "${username}". What others have put there before still counts: ` +
    'if not only instances of this application could reach ZooKeeper, stop all ' +
    'of them, delete the base path and start them again'
  );
}

function noAuth(path: string, message: string): ZookeeperError {
  return new ZookeeperError('NO_AUTH', message, path);
}
