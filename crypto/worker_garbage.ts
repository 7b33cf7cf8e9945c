/**
 * Has the runtime look for garbage. The memory of Argon2id, 64 MiB, is a WebAssembly memory that goes with the garbage,
 * and a core that has little to do makes too little of that for a collection ever to begin. Chunks of files leave so
 * much that much would lie around between two collections.
 *
 * @module
 */

/** So much that the runtime looks for garbage at once. */
const NUDGE_BYTES = 2 ** 28;
/** The first begins a collection, which goes on in the background; one of the others ends it. */
const NUDGES_MS = [0, 50, 150, 400] as const;

/** @param bytes What the runtime is asked for. It is never written to, and so takes no memory itself. */
export function nudge(bytes = NUDGE_BYTES): void {
  try {
    new ArrayBuffer(bytes);
  } catch (error) {
    // A process that may not have so much gives the memory back later.
    if (!(error instanceof RangeError)) throw error;
  }
}

/** Has what nobody refers to any more collected within half a second, and resolves then. */
export async function collectGarbage(): Promise<void> {
  await Promise.all(NUDGES_MS.map((afterMs) =>
    new Promise<void>((resolve) =>
      setTimeout(() => {
        nudge();
        resolve();
      }, afterMs)
    )
  ));
}
