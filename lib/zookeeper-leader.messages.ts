import { messageOf } from './message-of.js';

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

export function guardWithoutModuleMessage(): string {
  return (
    `LeaderGuard does not find ${MODULE}. Add ${MODULE}.forRoot() to the imports ` +
    'of the root module, or of this one where it is not global; in a test add ' +
    'ZookeeperLeaderTestingModule.forRoot() of nestjs-zookeeper-leader/testing ' +
    'to the imports of the testing module, or override the guard.'
  );
}

export function notStaticProviderMessage(
  method: string,
  scope: string,
): string {
  return (
    `${method} is decorated with @OnlyLeader(), but its class is ` +
    `${scope}: there is no single object to guard, and schedulers do not call ` +
    'methods of such classes. Give the class, and all that it injects, the ' +
    'default scope.'
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

export function answersRequestsMessage(method: string): string {
  return (
    `${method} is decorated with @OnlyLeader() and answers requests: on every ` +
    'instance but the leader it does nothing and the answer is empty. Use ' +
    '@UseGuards(LeaderGuard) instead: it refuses the request and names the ' +
    'leader. If the empty answer is meant, say so: ' +
    '@OnlyLeader({ scheduled: false }).'
  );
}

export function noSchedulerMessage(method: string): string {
  return (
    `${method} has a schedule that nothing fires: no scheduler is found. Add ` +
    'ScheduleModule.forRoot() of @nestjs/schedule to the imports of the root ' +
    'module.'
  );
}

export function severalSchedulersMessage(count: number): string {
  return (
    `ScheduleModule.forRoot() is imported ${count} times: every @Cron(), ` +
    `@Interval() and @Timeout() of this application fires ${count} times. ` +
    'Import it once, in the root module; a library may import it too.'
  );
}

export function duplicateTaskMessage(where: string, name: string): string {
  return (
    `${where}: there is another leader task with the name "${name}" in this ` +
    'application. Give each its own with the option task; if it is one class, ' +
    'let only one module list it among its providers.'
  );
}

export function partitionedFunctionMessage(where: string): string {
  return (
    `${where} has the option partitions, which only methods under @OnlyLeader() ` +
    'have. Decorate a method, or use Partitions.of() and its owned$.'
  );
}

export function functionOfElectionMessage(
  where: string,
  election: string,
): string {
  return (
    `${where} has the option election, which only methods under @OnlyLeader() ` +
    `have. It is of the election "${election}", whose onlyLeader() was called. ` +
    'Leave the option out, or use LeaderElections.get().'
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

export function unguardedOverrideMessage(method: string, base: string): string {
  return (
    `${method} has a schedule and overrides ${base}, which is decorated with ` +
    '@OnlyLeader(). Without the decorator of its own it runs on every instance. ' +
    'Put @OnlyLeader() on it as well.'
  );
}

export function lonelyElectionMessage(
  method: string,
  election: string,
): string {
  return (
    `@OnlyLeader() on ${method} is the only thing that uses the election ` +
    `"${election}". If that is the name of the task, write ` +
    `@OnlyLeader({ task: '${election}' }). If it is an election, list it in the ` +
    'option elections of the module.'
  );
}

export function idleSchedulesMessage(tasks: readonly string[]): string {
  const shown = tasks.slice(0, 10).map((task) => `"${task}"`);
  const more = tasks.length > 10 ? ` and ${tasks.length - 10} more` : '';
  return (
    'This instance leads, and its scheduler has no job (cron, interval) for the ' +
    `leader tasks ${shown.join(', ')}${more}: they do not run. Is ScheduleModule ` +
    'imported, and not switched off with cronJobs: false or intervals: false? An ' +
    'instance that runs no jobs should not lead: give the module enabled: false.'
  );
}

export function unknownScheduleMessage(task: string): string {
  return (
    `Leader task "${task}" has a run ledger and no schedule that is known: every ` +
    'call counts as a tick of its own, and instances do not name a tick alike. ' +
    'Give CronJob the function of onlyLeader() itself, or give the job the name ' +
    'of the task in the SchedulerRegistry.'
  );
}

export function missedTicksMessage(
  task: string,
  { count, first, last }: { count: number; first: number; last: number },
): string {
  const [from, to] = [first, last].map((tick) => new Date(tick).toISOString());
  return count === 1
    ? `Leader task "${task}" missed the tick ${from}; it will not be run`
    : `Leader task "${task}" missed ${count} ticks (${from} to ${to}); they will not be run`;
}

export function ledgerUnavailableMessage(
  task: string,
  problem: string,
  tick: number | undefined,
  location: string | undefined,
  error: unknown,
): string {
  const which = tick === undefined ? '' : ` (${new Date(tick).toISOString()})`;
  return (
    `Leader task "${task}" ${problem}${which}, because its run ledger ` +
    `${location} is not available: ${messageOf(error)}`
  );
}

export function ledgerAheadMessage(
  task: string,
  lastTick: number,
  location: string,
): string {
  return (
    `The run ledger of the leader task "${task}" says that every tick up ` +
    `to ${new Date(lastTick).toISOString()} has been run, which is in the future: ` +
    'the clock of a leader is or was wrong. No tick runs until then. Correct the ' +
    `clock. If it is right, delete the znode ${location}: the task begins a new ` +
    'ledger and forgets the old runs.'
  );
}

export function runEndNotRecordedMessage(
  task: string,
  { tick, outcome }: { tick: Date | undefined; outcome: string },
  location: string,
  problem: unknown,
): string {
  return (
    `The end of a run of the leader task "${task}" (tick ` +
    `${tick?.toISOString()}, ${outcome}) could not be recorded in ` +
    `${location}: ${messageOf(problem)}`
  );
}
