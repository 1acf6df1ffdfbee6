/**
 * Tells a program that watches this one what happens, one JSON line for each
 * event, if `STORY=json` asks for it. The time is that of the machine's
 * monotonic clock, which all of its processes share.
 */
export function tell(type: string, details: Record<string, unknown>): void {
  if (process.env.STORY === 'json') {
    const atNs = String(process.hrtime.bigint());
    process.stdout.write(`${JSON.stringify({ type, atNs, ...details })}\n`);
  }
}
