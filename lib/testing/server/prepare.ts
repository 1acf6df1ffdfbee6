import {
  PERMISSIONS,
  type Acl,
  type SetAclRequest,
} from '../../zookeeper/codec/acl.record.js';
import type {
  CreateRequest,
  SetDataRequest,
  VersionedPath,
} from '../../zookeeper/codec/node.records.js';
import { OPCODES } from '../../zookeeper/codec/opcodes.js';
import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import { checkAccess, completeAcl, type Identities } from './access.js';
import type { Draft, DraftNode } from './draft.js';
import {
  checkPath,
  parentForCreate,
  parentForDelete,
  sequenceNumber,
} from './paths.js';
import { Refusal } from './refusal.js';
import type { NewNode } from './tree-node.js';

/** What a write will do, decided before anything is done. */
export type Change =
  | {
      readonly type: 'create';
      readonly path: string;
      readonly node: NewNode;
      /** Whether the answer has the new node's status. */
      readonly isDetailed: boolean;
    }
  | { readonly type: 'delete'; readonly path: string }
  | {
      readonly type: 'setData';
      readonly path: string;
      readonly data: Buffer | null;
      readonly version: number;
    }
  | {
      readonly type: 'setAcl';
      readonly path: string;
      readonly acl: Acl;
      readonly version: number;
    }
  | { readonly type: 'check'; readonly path: string };

/** Who asks. */
export interface Requester {
  readonly session: string;
  readonly identities: Identities;
}

const FLAGS = {
  ephemeral: new Set([1, 3]),
  sequential: new Set([2, 3]),
  container: 4,
  /** The largest that there is: those above 4 have a time to live. */
  last: 6,
};

/**
 * The checks of a server, in its order: the first that fails decides the code.
 *
 * @throws {Refusal}
 */
export function prepareCreate(
  draft: Draft,
  opcode: number,
  request: CreateRequest,
  { session, identities }: Requester,
): Change {
  const { flags } = request;
  if (!isKnownFlag(flags)) {
    throw new Refusal(RESULT_CODES.badArguments);
  }
  if (flags > FLAGS.container) {
    throw new Refusal(RESULT_CODES.unimplemented);
  }
  const parentPath = parentForCreate(request.path);
  const acl = completeAcl(request.acl, identities);
  const parent = draft.existing(parentPath);
  checkAccess(parent.acl, PERMISSIONS.create, identities);
  const path = FLAGS.sequential.has(flags)
    ? request.path + sequenceNumber(parent.creations)
    : request.path;
  checkPath(path);
  if (draft.get(path)) {
    throw new Refusal(RESULT_CODES.nodeExists);
  }
  if (parent.kind === 'ephemeral') {
    throw new Refusal(RESULT_CODES.noChildrenForEphemerals);
  }
  // It is the opcode that makes a container, not the flag.
  const isContainer = opcode === OPCODES.createContainer;
  const isEphemeral = !isContainer && FLAGS.ephemeral.has(flags);
  const node: NewNode = {
    data: request.data && Buffer.from(request.data),
    acl,
    kind: isContainer ? 'container' : isEphemeral ? 'ephemeral' : 'persistent',
    owner: isEphemeral ? session : '0',
  };
  draft.put(parentPath, {
    ...parent,
    creations: (parent.creations + 1) | 0,
    numChildren: parent.numChildren + 1,
  });
  draft.put(path, {
    acl,
    kind: node.kind,
    version: 0,
    aclVersion: 0,
    creations: 0,
    numChildren: 0,
  });
  return { type: 'create', path, node, isDetailed: opcode !== OPCODES.create };
}

export function isKnownFlag(flags: number): boolean {
  return flags >= 0 && flags <= FLAGS.last;
}

/** @throws {Refusal} */
export function prepareDelete(
  draft: Draft,
  { path, version }: VersionedPath,
  { identities }: Requester,
): Change {
  const parentPath = parentForDelete(path);
  const parent = draft.existing(parentPath);
  checkAccess(parent.acl, PERMISSIONS.delete, identities);
  const node = draft.existing(path);
  nextVersion(node.version, version);
  if (node.numChildren > 0) {
    throw new Refusal(RESULT_CODES.notEmpty);
  }
  draft.put(parentPath, { ...parent, numChildren: parent.numChildren - 1 });
  draft.put(path, undefined);
  return { type: 'delete', path };
}

/** @throws {Refusal} */
export function prepareSetData(
  draft: Draft,
  request: SetDataRequest,
  { identities }: Requester,
): Change {
  const { path } = request;
  const node = accessible(draft, path, PERMISSIONS.write, identities);
  const version = nextVersion(node.version, request.version);
  draft.put(path, { ...node, version });
  const data = request.data && Buffer.from(request.data);
  return { type: 'setData', path, data, version };
}

/** @throws {Refusal} */
export function prepareSetAcl(
  draft: Draft,
  request: SetAclRequest,
  { identities }: Requester,
): Change {
  const { path } = request;
  checkPath(path);
  const acl = completeAcl(request.acl, identities);
  const node = accessible(draft, path, PERMISSIONS.admin, identities);
  const version = nextVersion(node.aclVersion, request.version);
  draft.put(path, { ...node, acl, aclVersion: version });
  return { type: 'setAcl', path, acl, version };
}

/** @throws {Refusal} */
export function prepareCheck(
  draft: Draft,
  { path, version }: VersionedPath,
  { identities }: Requester,
): Change {
  const node = accessible(draft, path, PERMISSIONS.read, identities);
  nextVersion(node.version, version);
  return { type: 'check', path };
}

function accessible(
  draft: Draft,
  path: string,
  permission: number,
  identities: Identities,
): DraftNode {
  checkPath(path);
  const node = draft.existing(path);
  checkAccess(node.acl, permission, identities);
  return node;
}

function nextVersion(current: number, expected: number): number {
  if (expected !== -1 && expected !== current) {
    throw new Refusal(RESULT_CODES.badVersion);
  }
  return (current + 1) | 0;
}
