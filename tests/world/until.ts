/** Nothing waits as long as this unless it fails, on a machine with much other work too. */
const LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 10;

/**
 * Waits for a condition in real time: for what sockets, disks and other processes do there is no other time.
 * @throws {Error} When it did not hold within two minutes.
 */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!await holds()) {
    if (performance.now() > endMs) throw new Error(`Not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
