/** More than this is not ours. */
const LONGEST_DATA = 4_096;
const LONGEST_NAME = 255;

/** Names go to logs and to people: in one line, and not longer than ours. */
export function nameIn(value: unknown): string | undefined {
  return typeof value === 'string' &&
    value.length <= LONGEST_NAME &&
    isOneLine(value)
    ? value
    : undefined;
}

/** Without line breaks and other control characters. */
export function isOneLine(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text);
}

/** The members of what somebody has written; none if that is not as ours is. */
export function parseObject(data: string): Record<string, unknown> {
  if (data.length > LONGEST_DATA) {
    return {};
  }
  try {
    return membersOf(JSON.parse(data));
  } catch {
    return {};
  }
}

/** What is written for others to read; undefined if they would not, for its length. */
export function toData(members: Record<string, unknown>): string | undefined {
  const data = JSON.stringify(members);
  return data.length > LONGEST_DATA ? undefined : data;
}

/** The members of a value; none if it has none. */
export function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : {};
}
