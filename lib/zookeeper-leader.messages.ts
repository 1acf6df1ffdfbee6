const MODULE = 'ZookeeperLeaderModule';

export function withoutOptionsMessage(module: string): string {
  return (
    `${module} is imported without options. Write imports: [${module}.forRoot()] ` +
    'instead of the class alone.'
  );
}

export const MODULE_IMPORTED_TWICE =
  `${MODULE} is imported more than once. Each import would be an instance of ` +
  'its own. Call forRoot() or forRootAsync() once, in the root module; it is ' +
  'global.';

export function unknownElectionMessage(
  name: string,
  known: readonly string[],
  usedBy: string,
): string {
  return (
    `${usedBy} uses the election "${name}", which is not among the elections ` +
    `of ${MODULE} (${known.map((other) => `"${other}"`).join(', ')}). ` +
    'Add it to the option elections, or correct the name.'
  );
}

export function disposeInUseMessage(name: string, usedBy: string): string {
  return (
    `The election "${name}" cannot be disposed of: ${usedBy} uses it. ` +
    'Withdraw from it instead, or dispose of elections that only ' +
    'LeaderElections.get() has made.'
  );
}

export function unknownInstanceMessage(method: string): string {
  return (
    `${method} is decorated with @OnlyLeader() but was called on an object that ` +
    `${MODULE} does not know, so it cannot tell whether this instance leads. ` +
    `Import ${MODULE}.forRoot() in the root module, list the class among the ` +
    'providers or controllers, and call the method after the application has ' +
    'been initialised; for a module that is loaded lazily, guard a function with ' +
    'LeaderElection.onlyLeader(). In tests use nestjs-zookeeper-leader/testing.'
  );
}

export function notStaticProviderMessage(
  method: string,
  scope: string,
): string {
  return (
    `${method} is decorated with @OnlyLeader(), but its class is ` +
    `${scope}: there is no single object to guard, and schedulers do not call ` +
    'methods of such classes. Give the class the default scope.'
  );
}

export function notScheduledMessage(method: string): string {
  return (
    `${method} is decorated with @OnlyLeader(), but no @Cron(), @Interval() or ` +
    '@Timeout() is found on it. If one stands below another decorator that ' +
    'drops metadata, move it to the top. If the application calls the method ' +
    'itself, say so: @OnlyLeader({ scheduled: false }).'
  );
}

export function duplicateTaskMessage(where: string, name: string): string {
  return (
    `${where}: there is another leader task with the name "${name}" in this ` +
    'application. Give each its own with the option task; if it is one class, ' +
    'let only one module list it among its providers.'
  );
}

export function numberedTaskMessage(where: string, name: string): string {
  return (
    `${where} is under @OnlyLeader() in more than one object; this one is the ` +
    `leader task "${name}". If it is one class, let only one module list it ` +
    'among its providers; if not, name the tasks with the option task.'
  );
}

export function ledgerWithoutNameMessage(where: string): string {
  return (
    `${where}: a run ledger is kept by the name of its task. Give one with the ` +
    'option task.'
  );
}

export function sharedObjectMessage(className: string): string {
  return (
    `An object of the class ${className}, which has methods under @OnlyLeader(), ` +
    'is a provider of two applications in this process. Give each application ' +
    'an object of its own.'
  );
}
