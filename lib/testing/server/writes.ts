import { setAclRequest } from '../../zookeeper/codec/acl.record.js';
import type { JuteReader } from '../../zookeeper/codec/jute-reader.js';
import {
  multiReply,
  multiRequest,
  type ReadMultiOperation,
  type MultiResult,
} from './multi.record.js';
import {
  createRequest,
  pathOnly,
  setDataRequest,
  versionedPath,
} from '../../zookeeper/codec/node.records.js';
import { CREATE_FLAGS } from '../../zookeeper/codec/opcodes.js';
import { RESULT_CODES } from '../../zookeeper/codec/result-codes.js';
import { stat } from '../../zookeeper/codec/stat.record.js';
import type { Body } from './answer.js';
import { apply, type Done, type Store } from './apply.js';
import type { Moment } from './data-tree.js';
import { Draft } from './draft.js';
import {
  isKnownFlag,
  prepareCheck,
  prepareCreate,
  prepareDelete,
  prepareSetAcl,
  prepareSetData,
  type Change,
  type Requester,
} from './prepare.js';
import { Refusal } from './refusal.js';
import type { ReleaseTraits } from './release.js';
import { SERVER_OPCODES, type ServerOpcode } from './server-opcodes.js';
import { created } from './server.records.js';

const RECONFIG_DISABLED = -123;
const LAST_FLAGS_WITHOUT_TTL = 4;

/** The requests that take a transaction id, also where they are refused. */
const WRITES = {
  create: prepareOneCreate,
  create2: prepareOneCreate,
  createContainer: prepareOneCreate,
  delete: (draft, reader, requester) =>
    prepareDelete(draft, versionedPath.read(reader), requester),
  setData: (draft, reader, requester) =>
    prepareSetData(draft, setDataRequest.read(reader), requester),
  setAcl: (draft, reader, requester) =>
    prepareSetAcl(draft, setAclRequest.read(reader), requester),
  check: (draft, reader, requester) =>
    prepareCheck(draft, versionedPath.read(reader), requester),
  createTtl(_draft, reader) {
    // Nodes with a time to live are off unless a server is told otherwise.
    const { flags } = createRequest.read(reader);
    throw new Refusal(
      flags > LAST_FLAGS_WITHOUT_TTL
        ? RESULT_CODES.unimplemented
        : RESULT_CODES.badArguments,
    );
  },
  // For the server's own use.
  deleteContainer() {
    throw new Refusal(RESULT_CODES.badArguments);
  },
  reconfig() {
    throw new Refusal(RECONFIG_DISABLED);
  },
} as const satisfies Partial<Record<ServerOpcode, Prepare>>;

type Prepare = (
  draft: Draft,
  reader: JuteReader,
  requester: Requester,
  name: ServerOpcode,
) => Change;

type WriteName = keyof typeof WRITES;

export function isWrite(name: ServerOpcode): name is WriteName {
  return name in WRITES;
}

/**
 * Checks and makes one change.
 *
 * @throws {Refusal}
 */
export function write(
  name: WriteName,
  reader: JuteReader,
  requester: Requester,
  store: Store,
  moment: Moment,
): Body {
  const prepare: Prepare = WRITES[name];
  const draft = new Draft(store.tree);
  return bodyOf(apply(prepare(draft, reader, requester, name), store, moment));
}

/** Checks several changes, and makes all of them or none. */
export function multi(
  reader: JuteReader,
  requester: Requester,
  store: Store,
  moment: Moment,
  traits: ReleaseTraits,
): Body {
  const operations = multiRequest.read(reader);
  if (traits.multiHeedsOpcode && operations.some(hasUnknownFlags)) {
    throw new Refusal(RESULT_CODES.marshallingError);
  }
  const draft = new Draft(store.tree);
  const changes: Change[] = [];
  for (const operation of operations) {
    try {
      changes.push(prepareOperation(draft, operation, requester, traits));
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      return resultsBody(
        failure(operations.length, changes.length, error.code),
      );
    }
  }
  return resultsBody(
    changes.map((change) => apply(change, store, moment) as MultiResult),
  );
}

function prepareOneCreate(
  draft: Draft,
  reader: JuteReader,
  requester: Requester,
  name: ServerOpcode,
): Change {
  const request = createRequest.read(reader);
  return prepareCreate(draft, SERVER_OPCODES[name], request, requester);
}

function prepareOperation(
  draft: Draft,
  operation: ReadMultiOperation,
  requester: Requester,
  { multiHeedsOpcode }: ReleaseTraits,
): Change {
  switch (operation.type) {
    case 'setData':
      return prepareSetData(draft, operation, requester);
    case 'delete':
      return prepareDelete(draft, operation, requester);
    case 'check':
      return prepareCheck(draft, operation, requester);
    default: {
      // In a transaction it is the flag that makes a container.
      const isContainer = operation.flags === CREATE_FLAGS.container;
      const opcode = isContainer
        ? SERVER_OPCODES.createContainer
        : SERVER_OPCODES[multiHeedsOpcode ? operation.type : 'create'];
      return prepareCreate(draft, opcode, operation, requester);
    }
  }
}

function hasUnknownFlags(operation: ReadMultiOperation): boolean {
  return 'flags' in operation && !isKnownFlag(operation.flags);
}

/** Every result of a transaction that has failed is an error. */
function failure(
  length: number,
  failedAt: number,
  code: number,
): MultiResult[] {
  return Array.from({ length }, (_, index) => ({
    type: 'error',
    code:
      index < failedAt
        ? RESULT_CODES.ok
        : index === failedAt
          ? code
          : RESULT_CODES.runtimeInconsistency,
  }));
}

function resultsBody(results: readonly MultiResult[]): Body {
  return (writer) => multiReply.write(writer, results);
}

function bodyOf(done: Done): Body {
  return (writer) => {
    switch (done.type) {
      case 'create':
        if (done.stat) {
          created.write(writer, { path: done.path, stat: done.stat });
        } else {
          pathOnly.write(writer, done);
        }
        break;
      case 'setData':
      case 'setAcl':
        stat.write(writer, done.stat);
    }
  };
}
