/** Above this a server with default settings drops the connection. */
const LONGEST_DATA_BYTES = 1_000_000;
const INT32 = 2 ** 31;

/** Says what is wrong with a request; undefined if nothing is. */
export function describeRequestProblem(
  path: unknown,
  value: unknown,
): string | undefined {
  const { data, version, flags } = value as Record<string, unknown>;
  if (typeof path !== 'string' || !path.startsWith('/')) {
    return 'the path is not absolute: it must be a text that starts with "/"';
  }
  if (path.includes('\0')) {
    return 'the path contains the character NUL';
  }
  if (data !== undefined && typeof data !== 'string') {
    return 'the data are not a text';
  }
  if (data !== undefined && isTooLong(data)) {
    return `the data are longer than ${LONGEST_DATA_BYTES} bytes`;
  }
  if ('flags' in (value as object) && flags === undefined) {
    return 'there is no such kind of node';
  }
  if (version !== undefined && !isVersion(version)) {
    return 'the version is not a whole number from -1 to 2147483647';
  }
  return undefined;
}

function isVersion(version: unknown): boolean {
  return (
    Number.isInteger(version) &&
    (version as number) >= -1 &&
    (version as number) < INT32
  );
}

function isTooLong(data: string): boolean {
  // A character of UTF-16 takes three bytes at most.
  return (
    data.length > LONGEST_DATA_BYTES / 3 &&
    Buffer.byteLength(data) > LONGEST_DATA_BYTES
  );
}
