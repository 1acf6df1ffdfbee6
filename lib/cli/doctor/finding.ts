/** What a check has found. */
export interface Finding {
  /** `bad`: it has to be mended; `note`: worth knowing. */
  readonly level: 'ok' | 'note' | 'bad';
  /** What was looked at, such as a server. */
  readonly about: string;
  readonly text: string;
  /** What to do about it. */
  readonly fix?: string;
}

export function ok(about: string, text: string): Finding {
  return { level: 'ok', about, text };
}

export function note(about: string, text: string, fix?: string): Finding {
  return { level: 'note', about, text, ...(fix !== undefined && { fix }) };
}

export function bad(about: string, text: string, fix: string): Finding {
  return { level: 'bad', about, text, fix };
}
