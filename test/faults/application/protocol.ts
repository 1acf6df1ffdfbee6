import type { ZookeeperLeaderModuleOptions } from '../../../lib/index.js';

/** What the runner gives the application to start with. */
export interface ApplicationSettings {
  /** URL of the library's build. */
  readonly library: string;
  readonly options: ZookeeperLeaderModuleOptions & {
    readonly instanceId: string;
  };
  readonly elections: readonly string[];
  /** That it takes part in only when it is told to. */
  readonly freshElection: string;
  /** Whether it subscribes to `leader$` all the time. */
  readonly isObserver: boolean;
  /** Whether the hooks of the second election never end, in some terms. */
  readonly hasHangingHooks: boolean;
  readonly storePort: number;
}

/** What the runner tells it to do. */
export type Order =
  | { readonly do: 'block'; readonly forMs: number }
  /** Blocks again and again, and fills the memory in between. */
  | {
      readonly do: 'busy';
      readonly forMs: number;
      readonly fromMs: number;
      readonly toMs: number;
      readonly hasGarbage: boolean;
    }
  /** Takes part in an election on a path that is not there, and blocks. */
  | { readonly do: 'join-and-block'; readonly forMs: number }
  /** Ends the channels to the processes that the library has started. */
  | { readonly do: 'cut-channel' }
  /** Asks for the leader that often, and tells what that leaves behind. */
  | { readonly do: 'observe'; readonly times: number }
  | { readonly do: 'resign' }
  | { readonly do: 'withdraw'; readonly forMs: number }
  /** Ends the pauses of instances that died, or could not reach ZooKeeper. */
  | { readonly do: 'resume-tasks' }
  | { readonly do: 'count' };

/** What it says; every event has the monotonic time as well. */
export type ApplicationEvent = { readonly atMs: number } &
  /** With its weight among those that share partitions, if it is one of them. */
  (
    | { readonly type: 'ready'; readonly weight?: number }
    /** Of what stands for the container, not of the application itself. */
    | {
        readonly type: 'processes';
        readonly application?: number;
        readonly guardian?: number;
      }
    /** `isLeader()` is true, at this moment for the first time in a term. */
    | {
        readonly type: 'leads';
        readonly election: string;
        readonly term: number;
        readonly fencingToken: number;
        readonly fromMs: number;
      }
    /** It has been true until then. */
    | {
        readonly type: 'led';
        readonly election: string;
        readonly term: number;
        readonly untilMs: number;
        readonly isOver: boolean;
      }
    | {
        readonly type: 'role';
        readonly election: string;
        readonly role: 'leader' | 'follower' | 'idle';
        readonly reason: string;
      }
    | {
        readonly type: 'run';
        readonly id: number;
        readonly task: string;
        readonly election: string;
        readonly tick: number;
        readonly fencingToken: number;
        readonly attempt: number;
        readonly trigger: string;
      }
    | { readonly type: 'ran'; readonly id: number }
    | {
        readonly type: 'usage';
        readonly heapBytes: number;
        /** Without what the heap keeps free for the next garbage. */
        readonly residentBytes: number;
        /** Timers, sockets and requests that keep the process alive. */
        readonly handles: number;
      }
    | ({ readonly type: 'calls' | 'closed' } & CallReport)
    | { readonly type: 'observed'; readonly bytesPerCall: number }
    | { readonly type: 'problem'; readonly text: string }
  );

export interface CallReport {
  readonly made: number;
  /** Calls of the public API that have not settled. */
  readonly pending: readonly PendingCall[];
}

export interface PendingCall {
  readonly name: string;
  readonly sinceMs: number;
}
