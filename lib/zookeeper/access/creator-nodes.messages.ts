import { ZookeeperError } from '../zookeeper.error.js';

export function mayNotEnter(path: string, identity: string): ZookeeperError {
  return noAuth(
    path,
    `"${path}" is closed to ${identity}: the password is wrong, or the node was ` +
      'made by another identity',
  );
}

export function mayNotCreate(
  path: string,
  parent: string,
  identity: string,
): ZookeeperError {
  return noAuth(
    path,
    `"${path}" does not exist, and ${identity} may not create it: permit "c" ` +
      `(create) on "${parent}", or have an administrator create "${path}" with ` +
      'all rights for it',
  );
}

export function mayNotClose(path: string, identity: string): ZookeeperError {
  return noAuth(
    path,
    `"${path}" is open to clients without credentials, and ${identity} may not ` +
      'close it: anybody could take the leadership. Have an administrator ' +
      'restrict its access control list to it',
  );
}

export function wereOpen(paths: readonly string[], identity: string): string {
  const list = paths.map((path) => `"${path}"`).join(', ');
  const [were, them] =
    paths.length === 1 ? ['was', 'It is'] : ['were', 'They are'];
  return (
    `${list} ${were} open to clients without credentials. ${them} closed now to ` +
    `all but ${identity}. What others have put there before still counts: if not ` +
    'only instances of this application could reach ZooKeeper, stop all of them, ' +
    'delete the base path and start them again'
  );
}

function noAuth(path: string, message: string): ZookeeperError {
  return new ZookeeperError('NO_AUTH', message, path);
}
