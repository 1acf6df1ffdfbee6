// @ts-check
/**
 * Preloaded with --import: the wall clock of the process goes wrong by
 * CLOCK_SHIFT_MS. The monotonic clock does not, as on a machine whose time was
 * never set.
 */
const shiftMs = Number(process.env.CLOCK_SHIFT_MS);
const RealDate = Date;

const ShiftedDate = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(
      target,
      args.length === 0 ? [RealDate.now() + shiftMs] : args,
      newTarget,
    ),
  apply: () => new ShiftedDate().toString(),
  get: (target, key) =>
    key === 'now' ? () => RealDate.now() + shiftMs : Reflect.get(target, key),
});

Reflect.set(globalThis, 'Date', ShiftedDate);
