/** A request that is answered with an error code. */
export class Refusal extends Error {
  constructor(readonly code: number) {
    super(`refused with code ${code}`);
  }
}
