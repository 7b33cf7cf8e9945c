/**
 * Round trips, one after the other.
 *
 * @module
 */

/**
 * Measures `count` round trips.
 * @param send Sends one message; calls what it is given when the answer has come.
 * @returns Microseconds of each.
 */
export async function roundTrips(
  count: number,
  send: (answered: () => void) => void,
): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    await new Promise<void>((resolve) => send(resolve));
    times.push((performance.now() - startMs) * 1_000);
  }
  return times;
}
