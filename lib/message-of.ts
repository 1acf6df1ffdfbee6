/** What was wrong, in words, for anything that can be thrown. Never throws. */
export function messageOf(error: unknown): string {
  return textOf(error, 'message');
}

/** As {@link messageOf}, with the place in the code where there is one. */
export function stackOf(error: unknown): string {
  return textOf(error, 'stack');
}

function textOf(error: unknown, property: 'message' | 'stack'): string {
  try {
    if (error instanceof Error) {
      const text: unknown = error[property] ?? error.message;
      return String(text);
    }
    return String(error);
  } catch {
    // An object without a prototype, or one whose getters throw.
    return `an error without a text (${typeof error})`;
  }
}
