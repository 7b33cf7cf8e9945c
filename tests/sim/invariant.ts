/**
 * What must hold in every run.
 *
 * @module
 */

/** An invariant did not hold. */
export class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}

export function checkInvariant(holds: boolean, message: string): asserts holds {
  if (!holds) throw new InvariantBroken(message);
}
