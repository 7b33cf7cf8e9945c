/**
 * Has the runtime look for garbage that it does not see. The memory of Argon2id, 64 MiB, is a WebAssembly memory that goes
 * with the garbage, and a core that has little to do makes too little of that for a collection ever to begin. Each hash of
 * the runtime's is some hundred bytes beside the heap, which go with the garbage as well.
 *
 * @module
 */

/** So much that the runtime looks for garbage at once. */
const NUDGE_BYTES = 2 ** 28;
/** The first begins a collection, which goes on in the background; one of the others ends it. */
const NUDGES_MS = [0, 50, 150, 400] as const;

/** Has the runtime begin to look for garbage. What is asked for is never written to, and so takes no memory itself. */
export function nudge(): void {
  try {
    new ArrayBuffer(NUDGE_BYTES);
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
