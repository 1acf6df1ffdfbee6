/** Who acts, and from where: for log and audit. */
export interface Actor {
  readonly by: string;
  readonly from: string;
  /** Whether nobody waits for the answer any more, as after a slow guard. */
  readonly hasLeft: boolean;
}

/** What is looked at of a request, whatever the HTTP adapter. */
interface ActingRequest {
  readonly user?: unknown;
  readonly ip?: unknown;
  readonly socket?: {
    readonly remoteAddress?: string;
    readonly destroyed?: boolean;
  };
}

const NAMES = ['username', 'name', 'email', 'preferred_username', 'sub', 'id'];

/**
 * Who sends a request.
 *
 * @param who the option `actions.who`
 */
export function actorOf(
  request: object,
  instanceId: string,
  who: (request: object) => string | undefined,
): Actor {
  const { user, ip, socket } = request as ActingRequest;
  const address =
    typeof ip === 'string' ? ip : (socket?.remoteAddress ?? 'an address');
  return {
    by: who(request) ?? nameOf(user) ?? `somebody at ${address}`,
    from: `the dashboard of ${instanceId}, from ${address}`,
    hasLeft: socket?.destroyed === true,
  };
}

/** What guards such as those of Passport leave in `request.user`. */
function nameOf(user: unknown): string | undefined {
  if (typeof user === 'string') {
    return user;
  }
  const fields = (user ?? {}) as Record<string, unknown>;
  const name = NAMES.map((each) => fields[each]).find(
    (each) => typeof each === 'string' && each !== '',
  );
  return name as string | undefined;
}
