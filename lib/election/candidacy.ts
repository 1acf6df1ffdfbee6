import type { NodeContent } from '../zookeeper/zookeeper-client.interface.js';

/** This instance's entry in the election, on one session. */
export interface Candidacy {
  readonly sessionId: string;
  /** Begins the name of our node: one for the session, and of no other. */
  readonly prefix: string;
  /** Connection on which the queue was last listed. */
  listedIn: number | undefined;
  /** A create is, or may be, under way: look before creating another node. */
  isCreateSent: boolean;
  /** Name of our node, once it is known. */
  node: string | undefined;
  /** Whether our node is closed to others; see {@link ElectionQueue.seal}. */
  isSealed: boolean;
  fencingToken: number | undefined;
  /** Whether the others have been told, in our node, that we lead. */
  isAnnounced: boolean;
  /** What was seen on the present connection; undefined: look again. */
  view: View | undefined;
}

/** The queue as far as it concerns us. */
export interface View {
  readonly epoch: number;
  /** Nodes before ours, the oldest first. */
  readonly ahead: readonly string[];
  isOwnNodeWatched: boolean;
  /** Whether the telling of others has let what is more urgent go first. */
  hasYielded: boolean;
  /** The predecessor, once it is watched. */
  predecessor:
    { readonly node: string; readonly content: NodeContent } | undefined;
}

export function newCandidacy(sessionId: string, prefix: string): Candidacy {
  return {
    sessionId,
    prefix,
    listedIn: undefined,
    isCreateSent: false,
    node: undefined,
    isSealed: false,
    fencingToken: undefined,
    isAnnounced: false,
    view: undefined,
  };
}
