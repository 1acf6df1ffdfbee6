/** Milliseconds of the clock that all processes of the machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A pipe is written synchronously: kill -9 takes nothing back. */
export function tell(type: string, details: object = {}): void {
  process.stdout.write(
    `${JSON.stringify({ type, atMs: now(), ...details })}\n`,
  );
}
