import { inspect } from 'node:util';

const MODULE = 'ZookeeperLeaderModule';

export function invalidOptionMessage(
  option: string,
  value: unknown,
  problem: string,
  expected?: string,
): string {
  const shown = value === undefined ? '' : ` ${inspect(value)}`;
  const hint = expected === undefined ? '' : ` Expected ${expected}.`;
  return `${MODULE}: option ${option}${shown} ${problem}.${hint}`.replace(
    /\.\.( |$)/g,
    '.$1',
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

export function unknownInstanceMessage(method: string): string {
  return (
    `${method} is decorated with @OnlyLeader() but was called on an object that ` +
    `${MODULE} does not know, so it cannot tell whether this instance leads. ` +
    `Import ${MODULE}.forRoot() in the root module, list the class among the ` +
    'providers or controllers, and call the method after the application has ' +
    'been initialised. In unit tests use the testing module of the library.'
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
    'drops metadata, move it to the top. If you call the method yourself, ' +
    'ignore this.'
  );
}
